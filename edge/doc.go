// Package edge ends the sessions of LIME's clients: it accepts their connections over
// WebSocket and TCP (transport.go), and speaks LIME with them.
//
// The way of an envelope is one file a step. The loop of package poll reads a
// socket (conn.go); over WebSocket upgrade.go answers the request and frame.go finds the
// frame and unmasks it in place; over TCP there are no frames (tcp.go, and proving.go for
// what a client has); stream.go
// finds the envelope, whose header package lime scans; the session
// (session.go and its siblings) checks it against the state, the rate and the
// sender; then it goes to routing, or is answered here. In the other direction
// routing calls Deliver with the bytes as they came, and they are queued, behind the
// head of a frame if there are such.
//
// With clients that agreed on it messages are compressed on their last step out (deflate.go), and
// inflated between the frame and the envelope (inflate.go).
//
// A connection has no goroutine, but for TLS: its loop makes all calls, and what may block,
// authentication and registration, is done by workers (worker.go) and comes back as
// an event. While nothing is under way it has no buffer either, and one deadline
// (deadline.go) that moves only when it fires.
//
// What the edge itself has to see to is in tend.go: whether its loops lag, so that
// it refuses new clients (overload.go; admission.go has those who come in a flood, pacing.go an address that does), and whether it has more than its share of the
// cluster's sessions (balance.go). A session that is to go elsewhere, or because the
// edge stops (drain.go), goes when it has acknowledged what it was handed (settle.go).
//
// The session is sans-IO: it is given envelopes, answers and the passing of time,
// and acts through an outlet of seven methods. So all of its behaviour is tested
// without a socket.
//
// The edge does not look into content, does not store, and does not know where
// other sessions are: that is package routing's. It declares what it needs of
// routing and authentication as interfaces.
package edge
