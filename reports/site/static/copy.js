// Buttons that copy the text before them.
"use strict";
document.querySelectorAll("[data-copy-text]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const done = await FB.copy(button.previousElementSibling.textContent.trim());
    button.textContent = done ? "Copied" : "Select and copy by hand";
  });
});
