// Package status is the status page of the admin port without its files: what it shows of the cluster, and what can be
// done there.
//
//	GET  /status/events           server-sent events: a history, and then a snapshot about once a second
//	GET  /status/identity?q=…     where an identity is, and what waits for it; with the token
//	GET  /status/queues?top=…     what waits where: members' queues, streams, the identities with the most; with the token
//	GET  /status/ignore           from whom edges take nothing; with the token
//	POST /status/ignore           has them take nothing from somebody for a time; with the token
//	POST /status/ignore/stop      has them take it again; with the token
//	POST /status/token            tells whether the token is right
//	POST /status/drain            has a member drain and end; with the token
//	POST /status/rebalance        has edges give away what they have above the mean; with the token
//	POST /status/log-level        has one member, or all, log from another level on; with the token
//
// A [Page] collects while somebody watches, and does nothing otherwise but for one sample in five seconds, so that
// charts have something to begin with. What it knows of other members is what gossip tells of them, and what they
// answer when they are asked, all of them by one message of the broker. One that is asked reads its own metrics, at most once in
// the time between two questions, whoever asks. In a large cluster questions come at longer intervals, so that
// who watches 300 members hears from a hundred in a second.
//
// Watchers are bounded. One that is slow gets the newest snapshot when it is ready for one, and misses those before.
//
// Addresses of people are shown to who has the token alone. Without it they are cut to a letter.
package status
