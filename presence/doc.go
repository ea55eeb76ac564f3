// Package presence keeps in Redis who is where: which edge holds which node,
// for which session, and what that session says of itself. Beside it stands
// what stored delivery needs to know of an identity: its floors, and which guests
// were there lately. All of it is soft state. When Redis loses it, the edges
// tell it again.
//
// # Keys
//
//	lg:{name@domain}       hash: folded instance → registration, "\nv" → version
//	lg:floor:{name@domain} hash with a time to live: folded instance, or nothing
//	                       for the identity itself → time, position and log
//	lg:seen:{name@domain}  sorted set with a time to live: folded instance of a
//	                       guest that has left → when its grace ends
//	lg:told:{name@domain}  string with a time to live: what contacts were told last
//	lg:edge:<edge>         string with a time to live: the edge's lease
//	lg:edge:<edge>:{…}     likewise: a witness, see KeepLease
//	lg:hold:<name>         likewise: who does some work, see Hold
//	lg:ignored             hash with a time to live: peer → until when edges take
//	                       nothing from it, see Ignore
//
// Keys and fields are made from the folded address; a registration hands back
// the spelling that was announced. An identity's hash is one key and therefore
// lies on one server of a cluster, so that each change is one atomic step: a
// Lua script. The key vanishes with its last registration. What stands beside it
// has the same hash tag, and so may be changed by the same step.
//
// # Leases
//
// A registration is valid only while the lease of its edge lives. Nobody has to
// do anything for the registrations of a dead edge to be void, and no list of
// an edge's identities is kept: it would cost more than the registrations
// themselves. Sweep removes what is left of dead edges by walking over
// everything.
//
// # Versions
//
// Each change of an identity's hash makes its version one greater. A hash that
// is made anew begins with the server's time in microseconds. So a version
// never comes twice, and of two views the one with the greater version is the
// later one, also after everything was flushed (unless the clock of a server
// was set back, or a replica with a slow clock took over). Who holds a view
// and hears of a change does this:
//
//   - the version is the successor of the one it holds: apply the change;
//   - it is not greater: ignore it;
//   - it is greater still: read the view again.
//
// The end of a lease changes no version. Who holds a view drops a dead edge's
// registrations from it by itself.
//
// # Floors
//
// The floor of an address, a node or a bare identity, is the position up to
// which everything for it in some log is acknowledged. Who moves what is left of
// the log elsewhere skips what is not above it. It is a hint: it comes late, and
// may be lost with Redis, with its time to live, or since an identity has too many;
// each costs work and perhaps a message that comes twice, never a message. So
// a floor must never be raised above what is acknowledged, and it only rises: of
// two that raise it, in whatever order, the higher one stays. That holds
// within one log; a floor of another log replaces it, since positions of two
// logs do not compare. All positions compare exactly, those that Lua's numbers
// cannot tell apart, too.
//
// The floors of an identity end together when none was raised for
// Config.FloorTTL. While some are raised, those of instances that do not come
// again go little by little, whenever new ones are added.
//
// # Guests
//
// An account is known from elsewhere. A guest is known while it is registered,
// and for Config.GuestGrace afterwards, lest what is on its way to somebody who
// reconnects be refused. The step that removes a guest's registration also
// makes it seen, and Whereabouts reads both in one step: there is no moment in
// which it is neither. A guest of an edge whose lease has run out counts as seen
// until a sweep removes it, which begins its grace. After a flush, guests that
// had left are unknown.
//
// # Rooms
//
// A room is registered as an identity, and who is in it as nodes of that identity, by
// ChangeRooms, which takes many at once and does not return the view. Leases and sweeps know
// no difference.
//
// # Pipelines
//
// Concurrent calls are gathered into pipelines, one under way at a time for
// each lane; see lane. A call ends with its context, with its result, or after
// a bounded time; none of them disturbs the others in its pipeline.
//
// # What it does not do
//
// It publishes nothing: who changes a view tells the others. It stores neither
// LastSeen nor Instances of a presence: the view tells the instances. It cannot
// know which of two sessions of a node is the better one: the later call wins,
// or with keepOlder the earlier.
package presence
