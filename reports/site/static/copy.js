// Buttons that copy the text before them.
"use strict";
document.querySelectorAll("[data-copy-text]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = button.previousElementSibling.textContent;
    window.FBcopied = text;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch (error) {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      button.textContent = document.execCommand("copy") ? "Copied" : "Select and copy by hand";
      area.remove();
    }
  });
});
