window.complaints = [];
{
  const complain = (text) => window.complaints.push(String(text));
  addEventListener("securitypolicyviolation", (event) => complain(`policy: ${event.violatedDirective} ${event.blockedURI}`));
  addEventListener("error", (event) => complain(`error: ${event.message || event.target?.outerHTML}`), true);
  addEventListener("unhandledrejection", (event) => complain(`rejection: ${event.reason}`));
  for (const level of ["error", "warn"]) console[level] = (...words) => complain(`console: ${words.join(" ")}`);
}
