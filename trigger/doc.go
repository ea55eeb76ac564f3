// Package trigger takes high-templar's triggers, by which a platform's backend pushes data into
// rooms, and publishes them. They come over HTTP, by a message queue of RabbitMQ's kind, and on
// a subject of NATS:
//
//	backend ── POST /trigger/ ─────────────▶ Triggers ──▶ rooms
//	backend ── exchange ── one queue ──────▶ Queue ──▶
//	backend ── subject ── one queue group ─▶ Subject ──▶
//
// All routers share the queue and the group, so that each trigger is taken by one of them, and
// published once, wherever the room's clients are.
//
// What is published is live: a trigger that nobody takes for a minute is forgotten.
package trigger
