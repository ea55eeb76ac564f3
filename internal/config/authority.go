package config

import "time"

// Authority is the cluster's own, for certificates of clients.
type Authority struct {
	// Folder has its files, as lime certs create makes them. Routers need its key, edges do not. Default none.
	Folder string
	// Lifetime is for how long clients' certificates are good. It is a router's. Default 2160h.
	Lifetime time.Duration
	// FirstRate is how many a second one router issues to those who show the default certificate; ten times as many at once. It is a
	// router's. Default 20.
	FirstRate int
	// Names is how many identities may have been issued one by the default certificate. It is a router's. Default 100000.
	Names int
}

// On tells whether there is one.
func (a *Authority) On() bool { return a.Folder != "" }

func (b *binder) authority(a *Authority) {
	b.group("Certificates")
	b.str(&a.Folder, "authority", "", "`folder` of the cluster's own authority (lime certs create); empty for none; all have one")
	b.dur(&a.Lifetime, "certificate-lifetime", 90*24*time.Hour, "`time` that clients' certificates are good for; routers say the same")
	b.num(&a.FirstRate, "certificate-rate", 20, "first `certificates` a second that a router issues by the default one, ten times as many at once")
	b.num(&a.Names, "certificate-names", 100_000, "`names` with certificates, beyond which none is issued by the default one; routers say the same")
}

func (a *Authority) validate(c *check) {
	c.that(a.Lifetime >= time.Hour, "certificate-lifetime", "%s is less than an hour", a.Lifetime)
	c.atLeast("certificate-rate", a.FirstRate, 1)
	c.atLeast("certificate-names", a.Names, 1)
}
