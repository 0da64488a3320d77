const width = document.documentElement.clientWidth;
if (document.documentElement.scrollWidth <= width) return [];
const beyond = [...document.body.querySelectorAll("*")].filter((it) => it.getBoundingClientRect().right > width);
return beyond.map((it) => `${it.tagName}.${it.className}`).slice(0, 20);
