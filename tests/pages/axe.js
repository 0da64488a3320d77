const done = arguments[arguments.length - 1];
const line = (it) => `${it.id}: ${it.help}: ${it.nodes.map((node) => node.html).join(" ")}`;
axe.run().then((found) => done(found.violations.map(line)), (error) => done([String(error)]));
