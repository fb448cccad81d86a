"use strict";
(() => {
  const box = document.getElementById("search"), sought = document.getElementById("sought"), hits = document.getElementById("hits");
  const parts = [...document.querySelectorAll("main tr, main li, main p, main pre, main h3, main dd, main summary")];
  box.hidden = false;
  sought.addEventListener("input", () => {
    const text = sought.value.trim().toLowerCase();
    const found = text === "" ? [] : parts.filter((part) => part.textContent.toLowerCase().includes(text));
    document.querySelectorAll(".found").forEach((part) => part.classList.remove("found"));
    found.forEach((part) => {
      part.classList.add("found");
      for (let fold = part.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    });
    hits.textContent = text === "" ? "" : `${found.length} found`;
    if (found.length > 0) found[0].scrollIntoView({ block: "center" });
  });
})();
