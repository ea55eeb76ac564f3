// Package rooms holds the rooms of one edge: who of its sessions is in which, one NATS
// subscription a room, and the way of what is published.
//
//	session ── Enter ──▶ Rooms ── room.<domain>.@.<shape>.<value>… ──▶ NATS
//	session ◀── Hear ─── Rooms ◀──────── one copy an edge and room ──── NATS
//	session ── Publish ────────────────── room.… or wide.… ──────────▶ NATS
//
// A *seat* is one session's place in one room; a session may have several in the same one,
// and hears what is published once for each. What is published leaves as the bytes in which
// it came: it is the same for all who are in the room, and nothing is encoded for one of
// them. What comes while a shard is busy is gathered by room, and each seat is given all of it at
// once, as a prepared.Run, in which the first of its kind leaves the form that the others take.
//
// What a publisher's wildcard means is found out by each edge for its own rooms: it goes to
// one subject for all rooms of its shape (see package room), on which an edge listens as
// long as it has one of them. A listener's wildcard is NATS's own.
//
// Live means at most once: nothing waits for who is away, and a session that reads too
// slowly misses what does not fit its queue, which is counted. What one session publishes
// to one room is heard in that order, on each seat; between rooms, and between seats, there is none.
package rooms
