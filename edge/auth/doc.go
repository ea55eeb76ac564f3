// Package auth holds the schemes by which a client shows who it is: guest,
// plain, key and transport. Those that need more have packages of their own below: issuer
// is external, and webhook whatever the platform wants to decide about.
//
// An edge hands the authenticating envelope of a session over as a [Request]
// and gets a [Grant], or the reason of the failed envelope. The edge itself
// never checks a password, since that costs it tens of milliseconds of a core:
// its [Authenticator] asks a router, and the router's is [Schemes], which picks
// one of the others. Both sides see the same interface, and Request and Grant
// travel between them as JSON.
//
// The package keeps nothing and talks to nobody: where accounts are and how
// passwords are hashed is the business of whoever implements [Accounts] and
// [Verifier]. It offers no round trips, which two real clients cannot bear
// (L-SES-30), and decides neither the instance of a session nor whether its
// node is free.
package auth
