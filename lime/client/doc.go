// Package client speaks LIME with a server for a program that wants to be there: it logs
// in, sends and receives, and begins another session with the same node whenever one is
// lost.
//
//	c, err := client.Dial(ctx, "wss://chat.example.org/", client.Config{
//		Node:     lime.MustParseNode("ana@example.org/home"),
//		Scheme:   client.Plain(client.Fixed(password)),
//		Presence: &lime.Presence{Status: lime.StatusAvailable},
//	})
//	if err != nil {
//		return err
//	}
//	defer c.Close()
//	for m, err := range c.Messages(ctx) {
//		…
//	}
//
// # Sessions
//
// Dial takes ws://, wss:// and net.tcp:// addresses. Over TCP encryption is negotiated
// within the connection; Config.Encryption says whether it must be, and by default it must
// where a secret would leave this host. More addresses are tried
// in turn, each once, at once; after all of them comes a pause, longer each time, with jitter
// (Backoff), unless Retry ends it. What the server assigned as the node, in its spelling, is proposed again, and
// presence and receipts are set before anything else is sent, so that whoever writes to the
// node notices no more than a delay. Secrets are asked for at each login, so that a token
// that has expired is not used again.
//
// Where a firewall lets nobody out directly, Config.Proxy names the HTTP proxy that connects:
// ProxyFromEnvironment, FixedProxy, or a function of the program's.
//
// A client ends for good, with Done and Err, when another session takes its node (reason 12),
// when its credentials do not hold (13) or its node cannot be (25), when the server does not
// offer what it needs, or when Backoff.Tries is used up. Whatever else goes wrong while a
// session begins, a presence that is refused included, is the error of Dial, and later a
// reason to try again. Config.OnStatus sees every change.
// The package logs nothing: what there is to say is in there, and in errors.
//
// # Sending
//
// Send queues an envelope and waits for nothing: at most once. Publish sends a message until
// the server has stored it, over lost sessions and with the same id; PublishAsync does so for
// many at a time, in order. Command waits for a response, and Request, which publishes a
// message, for the message that answers it; Reply and Mux.HandleRequest answer. All of them wait
// while there is no session, as long as their context lets them. Order is kept among what was
// given to Send, and among publications, not between the two; with Config.Priority among those
// of one priority, and none waits for ever.
//
// With Config.Store publications are kept on disk until they are answered, and sent by the next
// process if need be; with Start in place of Dial a program begins while there is no network.
//
// How far a message has come is told in these steps: Send returns when it is queued, Publish
// when the server has stored it, notifications of received and consumed say what became of it at
// its recipient (Config.Events), and Request returns what the recipient has to say.
//
// # Receiving
//
// What comes is handled by a Mux, or iterated over by Messages, Notifications and Commands.
// It waits for these in one queue, in order. When that is full of messages with an id, nothing
// more is read, so that the server keeps the rest: a slow program costs itself. The server's
// window of what is not acknowledged comes before that, so that answers are read and who
// handles a message may wait for one. What no server keeps, and anybody may send in any number,
// holds up nothing: what is more than the queue holds of it is dropped, and requests refused.
// Pings are answered by the client;
// requests that nobody handles are refused.
//
// A message is acknowledged when the program takes it: by a receipt (Receipts), and by the
// pong of a ping that came behind it, which servers take for one. A pong is therefore held
// back until then. What was not acknowledged when a session, or the whole process, ends comes
// again; for as long as the process lives it is known and not handed out twice
// (Config.DuplicateWindow).
//
// # Bounds
//
//	what                      bound              when it is reached
//	messages with an id to be Config.Queue       reading stops; when an answer is waited for, the
//	handed out                                   session ends after Config.IdleTimeout of that
//	messages without an id    Config.Queue       they are dropped
//	notifications             Config.Queue       they are dropped
//	requests                  Config.Queue       they are refused
//	to be written             Config.SendQueue   who sends waits; twice as much that the server
//	                                             has asked for ends the session
//	messages with priorities  Config.SendQueue   who sends waits, the most urgent the least
//	sent a second             Config.Rate        who sends waits
//	publications              Config.InFlight    who publishes waits
//	publications kept         Config.Store's     who publishes gets its error
//	requests by messages      Config.Requests    who asks waits
//	pongs held back           16                 the last takes the place of the one before
//	messages remembered       8192               the oldest is forgotten
//	an envelope received      Config.MaxEnvelope the session ends
//	an envelope sent          Config.MaxSend     it is refused
//
// What is handed to nobody is counted by a DropReason. Whatever a server says, the worst
// that it does is to end its session, and whatever others send, to have what no server keeps
// dropped.
//
// # Errors
//
// A *lime.Reason is the server's or the peer's word, ErrLost says that the answer is not
// known, ErrClosed that the client was closed. Each is found by errors.Is and errors.As; the
// others are listed with what they match.
//
// # What it does not do
//
// Without Config.Store it keeps nothing on disk: what was not accepted when the process dies is
// for the program to send again, with the same id. Without Config.Arrivals what has come and was
// not taken is the server's to keep: with ReceiptsWhenHandled a crash loses nothing of it that has an id. It speaks no HTTP
// dialects, compresses nothing, and does not decode contents.
package client
