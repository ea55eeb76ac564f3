package config

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Wildcards says whose * in a room of high-templar's stands for any value.
type Wildcards string

// The modes.
const (
	WildcardsExact  Wildcards = "exact"  // nobody's
	WildcardsExpand Wildcards = "expand" // the publisher's
	WildcardsBoth   Wildcards = "both"   // the publisher's and the subscriber's
)

// HighTemplar is what an edge serves high-templar's clients with.
type HighTemplar struct {
	// Path is where they connect; empty for nowhere.
	Path string
	// API is the URL of the backing API, and APISocket a Unix socket to reach it by, if any.
	API, APISocket string
	// Timeout is how long that may take. Default 5s.
	Timeout time.Duration
	// Calls bounds the calls about clients that come in. Default 64.
	Calls int
	// Headers are sent there beside the usual ones, as Name=source:key.
	Headers []string
	// Notify has it told of clients that come, ping and go. Default false.
	Notify bool
	// Domain is what clients are identities of: one that is served, and not the first.
	Domain string
	// UserPath leads to who a client is in what the API answers. Default none.
	UserPath string
	// Idle is how long a client may say nothing. Default 300s.
	Idle time.Duration
	// Subscriptions bounds what a client has subscribed to. Default 5000.
	Subscriptions int
	// Backlog bounds the bytes that wait for a client. Default 1 MiB.
	Backlog int
	// Origins are pages that browsers may come from. Default those of the edge's own host.
	Origins []string
	// Legacy has answers look like those of release 2. Default false.
	Legacy bool
}

// HighTemplarRooms is what those who serve its clients and those who publish its triggers
// have to say alike.
type HighTemplarRooms struct {
	// Rooms is the domain whose rooms clients enter. Default the first that is served.
	Rooms string
	// Wildcards is whose * stands for any value. Default exact.
	Wildcards Wildcards
}

// HighTemplarTriggers is where routers take triggers from, beside their HTTP API.
type HighTemplarTriggers struct {
	// AMQP is the URL of a message queue's broker, and Exchange what backends publish to
	// there. Default none, and hightemplar.
	AMQP, Exchange string
	// Subject is one of NATS. Default none.
	Subject string
}

// What there is without flags.
const (
	templarTimeout       = 5 * time.Second
	templarCalls         = 64
	templarIdle          = 300 * time.Second
	templarSubscriptions = 5000
	templarBacklog       = 1 << 20
)

func (b *binder) highTemplar(p *HighTemplar) {
	b.str(&p.Path, "hightemplar", "", "`path` for clients of high-templar, such as /ws; empty for none")
	b.str(&p.API, "hightemplar-api", "", "`URL` of the API that says what a client may enter; bootstrap/ is appended")
	b.str(&p.APISocket, "hightemplar-api-socket", "", "Unix `socket` to reach -hightemplar-api by")
	b.dur(&p.Timeout, "hightemplar-timeout", templarTimeout, "`time` that -hightemplar-api may take")
	b.num(&p.Calls, "hightemplar-requests", templarCalls, "`requests` to -hightemplar-api at once, about clients that come in")
	bindList(b, &p.Headers, "hightemplar-header", "", "`Name=source:key` of a header for -hightemplar-api; source is header, param, cookie or fixed; may be repeated")
	b.yes(&p.Notify, "hightemplar-notify", false, "tell -hightemplar-api of clients that come, ping and go")
	b.str(&p.Domain, "hightemplar-domain", "", "`domain` that clients are identities of: one of -domain, in which nobody else logs in")
	b.str(&p.UserPath, "hightemplar-user-path", "", "`path` to who a client is in what -hightemplar-api answers, such as user.data.id; empty for nobody")
	b.dur(&p.Idle, "hightemplar-idle", templarIdle, "`time` that a client may say nothing")
	b.num(&p.Subscriptions, "hightemplar-subscriptions", templarSubscriptions, "`subscriptions` of a client")
	b.num(&p.Backlog, "hightemplar-backlog", templarBacklog, "`bytes` that may wait for a client, which is cut off with more")
	b.yes(&p.Legacy, "hightemplar-legacy", false, "have answers bear the id of their request, and the first frame is_authenticated, as of old")
	bindList(b, &p.Origins, "hightemplar-origins", "", "`origins` of pages that browsers may come from, or * for all (default those of the host that they ask)")
}

func (b *binder) highTemplarRooms(p *HighTemplarRooms) {
	b.str(&p.Rooms, "hightemplar-rooms", "", "`domain` whose rooms high-templar's are; all say the same (default the first of -domain)")
	b.str((*string)(&p.Wildcards), "hightemplar-wildcards", string(WildcardsExact), "`whose` * is any value: exact for nobody's, expand for a publisher's, or both; all say the same")
}

func (b *binder) highTemplarTriggers(p *HighTemplarTriggers) {
	b.str(&p.AMQP, "hightemplar-amqp", "", "`URL` of the message queue that a router takes triggers from, amqp://user:password@host; empty for none")
	b.str(&p.Exchange, "hightemplar-amqp-exchange", "hightemplar", "`name` of the exchange of -hightemplar-amqp")
	b.str(&p.Subject, "hightemplar-subject", "", "`subject` of NATS that a router takes triggers from; empty for none")
}

func (p *HighTemplarTriggers) validate(c *check) {
	if p.AMQP != "" {
		c.url("hightemplar-amqp", p.AMQP, "amqp", "amqps")
		c.that(p.Exchange != "", "hightemplar-amqp-exchange", "must not be empty")
	}
	c.that(!strings.ContainsAny(p.Subject, " *>") && !strings.HasPrefix(p.Subject, ".") && !strings.HasSuffix(p.Subject, ".") && !strings.Contains(p.Subject, ".."),
		"hightemplar-subject", "%q is no subject", p.Subject)
	for _, root := range []string{
		"to", "log", "inbox", "cmd", "auth", "edge", "ack", "presence", "room", "wide", "attend", "roomlog",
		"group", "grouped", "fan", "event", "evented", "dead", "_INBOX", "$JS", "$KV", "$SYS",
	} {
		c.that(p.Subject != root && !strings.HasPrefix(p.Subject, root+"."), "hightemplar-subject", "%s. is the cluster's own", root)
	}
}

func (p *HighTemplarRooms) validate(c *check, domains []string) {
	if p.Rooms == "" && len(domains) > 0 {
		p.Rooms = domains[0]
	}
	c.that(isAmong(domains, p.Rooms), "hightemplar-rooms", "%q is none of -domain", p.Rooms)
	c.that(slices.Contains([]Wildcards{WildcardsExact, WildcardsExpand, WildcardsBoth}, p.Wildcards), "hightemplar-wildcards", "%q is neither exact, expand nor both", p.Wildcards)
}

func (p *HighTemplar) validate(c *check, domains []string) {
	if p.Path == "" {
		return
	}
	c.that(strings.HasPrefix(p.Path, "/") && len(p.Path) > 1, "hightemplar", "%q is no path", p.Path)
	c.url("hightemplar-api", p.API, "http", "https")
	c.that(p.APISocket == "" || strings.HasPrefix(p.API, "http://"), "hightemplar-api-socket", "needs an -hightemplar-api of http://, which still names path and host")
	c.that(isAmong(domains[1:], p.Domain), "hightemplar-domain", "%q is none of -domain, or the first of them, which is that of accounts", p.Domain)
	c.positive("hightemplar-timeout", p.Timeout)
	c.positive("hightemplar-idle", p.Idle)
	c.atLeast("hightemplar-requests", p.Calls, 1)
	c.atLeast("hightemplar-subscriptions", p.Subscriptions, 1)
	c.atLeast("hightemplar-backlog", p.Backlog, 4096)
}

func isAmong(domains []string, d string) bool {
	return slices.ContainsFunc(domains, func(one string) bool { return strings.EqualFold(one, d) })
}

// Flags are the flags, with their values, that every edge has to be given alike.
func (p *HighTemplar) Flags(rooms HighTemplarRooms) (flags []string) {
	if p.Path == "" {
		return nil
	}
	flags = []string{
		"-hightemplar " + p.Path, "-hightemplar-api " + p.API, "-hightemplar-domain " + p.Domain,
		"-hightemplar-rooms " + rooms.Rooms, "-hightemplar-wildcards " + string(rooms.Wildcards),
	}
	if p.APISocket != "" {
		flags = append(flags, "-hightemplar-api-socket "+p.APISocket)
	}
	for _, h := range p.Headers {
		flags = append(flags, "-hightemplar-header '"+h+"'")
	}
	for _, yes := range []struct {
		is   bool
		flag string
	}{{p.Notify, "-hightemplar-notify"}, {p.Legacy, "-hightemplar-legacy"}} {
		if yes.is {
			flags = append(flags, yes.flag)
		}
	}
	for _, n := range []struct {
		is, without int
		flag        string
	}{{p.Calls, templarCalls, "-hightemplar-requests"}, {p.Subscriptions, templarSubscriptions, "-hightemplar-subscriptions"}, {p.Backlog, templarBacklog, "-hightemplar-backlog"}} {
		if n.is != n.without {
			flags = append(flags, n.flag+" "+strconv.Itoa(n.is))
		}
	}
	for _, d := range []struct {
		is, without time.Duration
		flag        string
	}{{p.Timeout, templarTimeout, "-hightemplar-timeout"}, {p.Idle, templarIdle, "-hightemplar-idle"}} {
		if d.is != d.without {
			flags = append(flags, d.flag+" "+d.is.String())
		}
	}
	if p.UserPath != "" {
		flags = append(flags, "-hightemplar-user-path "+p.UserPath)
	}
	if len(p.Origins) > 0 {
		flags = append(flags, "-hightemplar-origins "+strings.Join(p.Origins, ","))
	}
	return flags
}
