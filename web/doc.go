// Package web has the pages that people look at in a browser. Their files are embedded as they stand in the
// folders below, with no build step: plain HTML, CSS and ES modules, which fetch nothing from anywhere else.
//
// chat is a client of LIME for people: [Chat]. Its module lime.js is the protocol's part, which knows nothing of
// the page; history.js is what is remembered of conversations, files.js what is believed of links to files, upload.js how files are sent,
// and the other modules are what is seen.
//
// status shows operators their cluster: [Status]. package limegrove/internal/status is what it talks to. uplot has a library
// that draws its charts, as it was published.
//
// [Pages] answers requests from memory, without reading, waiting or writing, so that an event loop can call it.
package web
