"use strict";
const box = document.createElement("input");
box.type = "search";
box.placeholder = "Filter by text";
box.setAttribute("aria-label", "Filter by text");
box.addEventListener("input", () => {
  const words = box.value.toLowerCase().split(/\s+/);
  for (const item of document.querySelectorAll("article, .times tr:not(:has(th))")) {
    const text = item.textContent.toLowerCase();
    item.hidden = !words.every((word) => text.includes(word));
  }
});
document.querySelector("header").after(box);
