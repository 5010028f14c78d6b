// Copies a text: by the clipboard where the browser allows it, else by a selection. Resolves to whether it did.
"use strict";
window.FB = window.FB || {};
FB.copy = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch (error) {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
};
