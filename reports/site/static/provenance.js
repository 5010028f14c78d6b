// Opens the entry that the address names.
"use strict";
(() => {
  const open = () => {
    const entry = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (entry && entry.tagName === "DETAILS") { entry.open = true; entry.scrollIntoView(); }
  };
  addEventListener("hashchange", open);
  open();
})();
