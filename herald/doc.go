// Package herald tells people of each other's presence: a change of what others see of an
// identity goes to those with whom it shares that, and a session that begins is told of
// those who share with it.
//
// A [Herald] is given events, which say that something about an identity may have changed,
// and never what: it reads for itself. Each event is worked on a moment later
// ([Config.Debounce]), together with all others of the same identity that have come by
// then, so that who flaps costs one push, or none when all is as it was.
//
// # The last push is of the last state
//
// Events of one identity may come to several routers at once, and any of them may be slow.
// So a herald that has told something reads again, and goes on until what it has told is
// what it reads. Whatever the order in which the pushes of several heralds arrive, each of
// them ends with the state that its herald has read last; and the herald that has the event
// of the last change reads after that change. A push that was made before that change could
// come behind only by being under way for longer than the debounce.
//
// Whoever is away, or reads too slowly, misses pushes. A session is told of everybody when
// it begins; in that it is the same: what was told is read again, and whom it was not told of
// since they are gone is noted, so that those who are back before others hear of it are told of.
//
// # What was told
//
// Redis remembers, for an hour, what was told last. Nothing is told again that was told,
// and while a herald is at it, or when one has died at it, that is noted, too. When the
// note is missing, an event counts that says so much: that an edge has seen a change. One
// that only registers its sessions again, since Redis was emptied, makes nobody told
// anything, unless others were told something else meanwhile.
//
// # Queues
//
// An identity is in the queue once, however many events it has. What does not fit is
// refused, and whoever had it tells again later: an event is done when its Done is called.
// When Redis or JetStream fail, the herald tries again by itself, later each time.
//
// One who takes long, as who has thousands of contacts and whose sessions come and go, rests for
// as long before it is worked on again, five seconds at most, and for a minute has half of the
// workers at most, together with others like it.
//
// # What it does not do
//
// Pushes are transient: nothing is stored for who is away. It does not tell the sessions
// of an identity of each other, unless the identity has itself as a contact.
package herald
