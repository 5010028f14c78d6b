// Opens the entry that the address names, and all of them for print.
"use strict";
(() => {
  const open = () => {
    const entry = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (entry && entry.tagName === "DETAILS") { entry.open = true; entry.scrollIntoView(); }
  };
  addEventListener("hashchange", open);
  addEventListener("beforeprint", () => document.querySelectorAll("main details").forEach((entry) => { entry.open = true; }));
  open();
})();
