// Package stream knows how JetStream keeps the log and the inbox of each partition:
// how the streams are made, read, walked, copied and cleared. It knows nothing of
// sessions, and not whom a message is for; an address is a subject.
//
// A number of partitions is recorded when the cluster is made, in the key-value
// bucket "cluster". Partition p has two streams, in files, republished on
// to.…, so that whoever has subscribed there gets each message when it is stored:
//
//	LOG_<p>    log.<p>.>    everything, until its head is purged
//	INBOX_<p>  inbox.<p>.>  what waits, with an age and a bound for each subject
//
// and a third, which is republished without payloads to those who fan out:
//
//	GROUP_<p>  group.<p>.>  messages for groups, until each member has a copy
//
// With [Config.Events] there is a fourth, republished likewise, and one for all partitions:
//
//	EVENT_<p>     event.<p>.>  events, until endpoints have them, with an age and a bound
//	DEAD_LETTERS  dead.>       events that an endpoint did not take
//
// Where rooms keep what is published, there is another, which is republished on room.…:
//
//	ROOMS_<p>  roomlog.<p>.>  the last messages of each room, with an age
//
// What exists with other settings is refused, never changed. What is removed while
// processes run is made anew by them, see [Streams.Keep], with sequences above those of
// before.
//
// # What a reader knows
//
// Any replica answers a direct get, and one may be behind the leader by some
// milliseconds, or by more while it catches up. A replica has its stream in order: what
// it lacks is at the end. So every read tells Through, the sequence up to which its
// answer is complete, and a reader that must not miss anything compares that with what
// it knows to be there: the sequence of a republished copy, or [Streams.LogEnd] and
// [Streams.InboxEnd], asked before it reads. Each answer is a chain, in which every
// message names the one before and the end names the last; one with a link missing
// matches [ErrUnavailable].
//
// A replica tells its last sequence only where something was found. Therefore each
// stream has a mark, an empty message on a subject that no address has; see mark.go.
// It is republished like all, as to._mark.
//
// # What a mover knows
//
// [Streams.WalkLog] never passes over what it has not seen, whichever replica it reads
// from, so that its caller may purge up to Walk.Through. [Streams.Copy] keeps the order
// of each address whatever fails on the way, and stores what is copied again within ten
// minutes once. [Streams.Store] keeps no order, for news that needs none. Both tell what
// is refused for good from what passes: only the latter may be tried again.
//
// The package does not delete what is too old in the log, and it does not tell anybody
// of what JetStream expires in the inbox: whoever wants to tell must come before. A broker that lost what it had acknowledged (a power
// cut, with one replica) may give a sequence a second time; nothing here notices.
package stream
