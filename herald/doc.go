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
// So a herald that has told something notes that and reads again, and goes on until what it
// has told is what it reads. What changes after that has an event, whose herald finds the
// note: nothing comes behind its push that was told before, but for what brokers overtake each
// other with on their ways.
//
// Whoever is away, or reads too slowly, misses pushes. A session is told of everybody when
// it begins; in that it is the same: what was told is noted, also of whom it was not told since
// they are gone, and read again.
//
// # What was told
//
// Redis remembers, for an hour, what was told last. Nothing is told again that was told,
// and while a herald is at it, or when one has died at it, that is noted, too. When two were
// at it, or one session was told something else, it is not known what was told, and all are
// told once more with the next event: what is read again may be so for a moment alone, between
// two changes whose events are worked on together and find all as it was. When the
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
