// Turns the crystals of the page. Their data stand in the element #crystals: atoms and cell edges in Å around the centre.
(function () {
  "use strict";
  var data = JSON.parse(document.getElementById("crystals").textContent);
  // Radians of a drag by one pixel, and of a key.
  var TURN = 0.01, KEY = 0.15;
  var EDGE_PARTS = 10;

  // The product of two rotations, as rows.
  function product(a, b) {
    return a.map(function (row) {
      return [0, 1, 2].map(function (column) {
        return row[0] * b[0][column] + row[1] * b[1][column] + row[2] * b[2][column];
      });
    });
  }

  function turned(rotation, point) {
    return rotation.map(function (row) { return row[0] * point[0] + row[1] * point[1] + row[2] * point[2]; });
  }

  // The rotation by a drag to the right and upwards.
  function dragged(right, up) {
    var a = right, b = up;
    var yaw = [[Math.cos(a), 0, Math.sin(a)], [0, 1, 0], [-Math.sin(a), 0, Math.cos(a)]];
    var pitch = [[1, 0, 0], [0, Math.cos(b), -Math.sin(b)], [0, Math.sin(b), Math.cos(b)]];
    return product(pitch, yaw);
  }

  function View(figure) {
    var view = this;
    this.figure = figure;
    this.caption = figure.querySelector("figcaption");
    this.legend = figure.querySelector(".legend");
    this.canvas = document.createElement("canvas");
    this.canvas.className = "solid";
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    figure.insertBefore(this.canvas, this.legend);
    figure.classList.add("turning");
    this.choose(Number(figure.getAttribute("data-crystal")));
    this.addChoice();
    var last = null;
    this.canvas.addEventListener("pointerdown", function (event) {
      last = [event.clientX, event.clientY];
      view.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointermove", function (event) {
      if (!last) { return; }
      view.turn(TURN * (event.clientX - last[0]), TURN * (event.clientY - last[1]));
      last = [event.clientX, event.clientY];
    });
    ["pointerup", "pointercancel"].forEach(function (name) {
      view.canvas.addEventListener(name, function () { last = null; });
    });
    this.canvas.addEventListener("keydown", function (event) {
      var turns = { ArrowLeft: [-KEY, 0], ArrowRight: [KEY, 0], ArrowUp: [0, -KEY], ArrowDown: [0, KEY] };
      var turn = turns[event.key];
      if (turn) { view.turn(turn[0], turn[1]); event.preventDefault(); }
    });
    window.addEventListener("resize", function () { view.draw(); });
    if (window.matchMedia) {
      window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () { view.draw(); });
    }
  }

  // Replaces the caption by a list of all crystals.
  View.prototype.addChoice = function () {
    var view = this, list = document.createElement("select");
    list.setAttribute("aria-label", "crystal");
    data.crystals.forEach(function (crystal, index) {
      var option = document.createElement("option");
      option.value = String(index);
      option.textContent = crystal.name;
      list.appendChild(option);
    });
    list.value = this.figure.getAttribute("data-crystal");
    list.addEventListener("change", function () { view.choose(Number(list.value)); });
    this.caption.textContent = "";
    this.caption.appendChild(list);
  };

  View.prototype.choose = function (index) {
    var view = this;
    this.crystal = data.crystals[index];
    this.rotation = data.view;
    this.canvas.setAttribute("aria-label", this.crystal.name);
    this.legend.textContent = "";
    var seen = {};
    this.crystal.atoms.forEach(function (atom) { seen[atom[0]] = true; });
    Object.keys(seen).forEach(function (z) { view.addLegend(data.elements[z][0], data.elements[z][1]); });
    this.addLegend(this.crystal.about, null);
    this.draw();
  };

  View.prototype.addLegend = function (text, colour) {
    var entry = document.createElement("span");
    if (colour) {
      var dot = document.createElement("i");
      dot.style.background = colour;
      entry.appendChild(dot);
    }
    entry.appendChild(document.createTextNode(text));
    this.legend.appendChild(entry);
  };

  View.prototype.turn = function (right, down) {
    this.rotation = product(dragged(right, down), this.rotation);
    this.draw();
  };

  // The shapes with their distance towards the reader, the farthest first.
  View.prototype.shapes = function () {
    var rotation = this.rotation, shapes = [];
    this.crystal.edges.forEach(function (edge) {
      var from = turned(rotation, edge[0]), to = turned(rotation, edge[1]);
      function part(index) {
        return [0, 1, 2].map(function (axis) { return from[axis] + (to[axis] - from[axis]) * index / EDGE_PARTS; });
      }
      for (var index = 0; index < EDGE_PARTS; index += 1) {
        var ends = [part(index), part(index + 1)];
        shapes.push({ depth: (ends[0][2] + ends[1][2]) / 2, ends: ends });
      }
    });
    this.crystal.atoms.forEach(function (atom) {
      var site = turned(rotation, atom[1]);
      shapes.push({ depth: site[2], site: site, element: data.elements[atom[0]] });
    });
    return shapes.sort(function (left, right) { return left.depth - right.depth; });
  };

  View.prototype.draw = function () {
    var side = this.canvas.clientWidth || 300, ratio = window.devicePixelRatio || 1;
    this.canvas.width = this.canvas.height = Math.round(side * ratio);
    var pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    var scale = data.share * side / 2 / this.crystal.reach;
    function at(point) { return [side / 2 + scale * point[0], side / 2 - scale * point[1]]; }
    var ink = getComputedStyle(this.figure).getPropertyValue("--muted");
    this.shapes().forEach(function (shape) {
      pen.beginPath();
      if (shape.ends) {
        pen.moveTo.apply(pen, at(shape.ends[0]));
        pen.lineTo.apply(pen, at(shape.ends[1]));
        pen.strokeStyle = ink;
        pen.lineWidth = 1.2;
        pen.stroke();
        return;
      }
      var place = at(shape.site), radius = scale * shape.element[2];
      var shade = pen.createRadialGradient(
        place[0] - 0.35 * radius, place[1] - 0.4 * radius, 0.1 * radius, place[0], place[1], radius);
      shade.addColorStop(0, "#ffffff");
      shade.addColorStop(0.35, shape.element[1]);
      shade.addColorStop(1, shape.element[1]);
      pen.arc(place[0], place[1], radius, 0, 2 * Math.PI);
      pen.fillStyle = shade;
      pen.fill();
      pen.strokeStyle = "rgba(0, 0, 0, 0.55)";
      pen.lineWidth = 0.8;
      pen.stroke();
    });
  };

  document.querySelectorAll(".live").forEach(function (note) { note.hidden = false; });
  document.querySelectorAll("figure.crystal").forEach(function (figure) { new View(figure); });
})();
