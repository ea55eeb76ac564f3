package config

import (
	"encoding/base64"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
)

// LogFormat is how log lines look.
type LogFormat string

// The log formats.
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// Shared is what every command has.
type Shared struct {
	// NATS is the broker's URLs, separated by commas; nats, tls, ws or wss.
	NATS string
	// Redis is the URL of the store of soft state, as of presence.Config; redis or
	// rediss, with +cluster behind it for a cluster.
	Redis string

	// Replicas is how many NATS servers keep what lasts, where this process is the
	// first to make it. Default 1; 3 in production.
	Replicas int

	// Partitions of stored messages, 1 to 1024. Default 0: what the cluster was made
	// with, and 1 for a new one; 16 in production.
	Partitions int
	// DuplicateWindow is for how long a message id is known again. Longer costs the
	// broker memory for each id in it. Default 20s, which is the least: see leastWindow.
	DuplicateWindow time.Duration
	// MessageLifetime is how long a message waits for its recipient. Default 168h; no
	// less than DuplicateWindow: the id of a message that was given back would be known,
	// and accepted again, though nothing is stored for it.
	MessageLifetime time.Duration
	// InboxLimit is how many messages may wait for one identity. Default 10000.
	InboxLimit int
	// MaxContacts is how many contacts an identity may have. Default 5000.
	MaxContacts int
	// LogBytes and InboxBytes bound the log and the inbox of one partition, on the disk
	// of each NATS server that has it; LogBytes bounds what its groups were sent, too.
	// Default 0, none.
	LogBytes, InboxBytes int

	// Events are the types of events that are told, or all. Default none.
	Events []string
	// EventsAge is how long an event is kept for who does not take it. Default 72h.
	EventsAge time.Duration
	// EventsBytes bounds the events of one partition, on the disk of each NATS server that
	// has it; the oldest go first. Default 67108864.
	EventsBytes int
	// Webhooks are those who are told, where a router runs. Default none.
	Webhooks []Webhook

	// GroupMembers and GroupsPerIdentity bound the members of a group, each of whom has
	// a copy of every message stored, and the groups that an identity has made or joined, and
	// as many again that others have put it into. They are a router's. Defaults 5000 and 1000.
	GroupMembers, GroupsPerIdentity int

	// RoomRules is a JSON file with who may enter and publish to which rooms, and which of
	// them keep what is published. All processes are given the same. Default none: nobody to
	// any.
	RoomRules string
	// RoomMessages and RoomAge bound what a room keeps, where this process is the first to
	// make the stream. Defaults 10000 and 24h.
	RoomMessages int
	RoomAge      time.Duration
	// RoomBytes bounds what the rooms of one partition keep, likewise, on the disk of each
	// NATS server that has it; the oldest go first. Default 0, none.
	RoomBytes int

	// Files is what people send each other beside envelopes.
	Files Files

	// Domains is what this cluster serves, in lower case, the first being the
	// one that a bare name gets. Default localhost.
	Domains []string

	// ID names this machine or pod in logs and to people. Default the host name.
	ID string
	// Zone is the failure domain, for distances. Default none.
	Zone string
	// Gossip is the address that gossip binds. Default 127.0.0.1:7946.
	Gossip string
	// Advertise is the host or host:port under which the others reach Gossip.
	// Default the bound one.
	Advertise string
	// Join is members to join, as host:port; a name stands for all its
	// addresses. Default none.
	Join []string
	// GossipKeys is the decoded keys, 16, 24 or 32 bytes each: the first
	// encrypts, all decrypt. Default none: plain.
	GossipKeys [][]byte

	// Authority is who signs certificates of clients.
	Authority Authority

	// Logins is how they are checked.
	Logins Logins

	// HighTemplarRooms is where the clients of that protocol are.
	HighTemplarRooms HighTemplarRooms
	// HighTemplarTriggers is what comes to them. It is a router's.
	HighTemplarTriggers HighTemplarTriggers

	// Tracing is who is told of single envelopes' ways.
	Tracing Tracing

	// Admin is the address for health, metrics, status and profiles. Default
	// 127.0.0.1:8090; empty for none.
	Admin string
	// AdminToken is who has it may drain and rebalance on the status page, and search for people there. Default none: nobody may.
	AdminToken string
	// LogLevel is the least severe level that is logged. Default info.
	LogLevel logrus.Level
	// LogFormat is text or json. Default text.
	LogFormat LogFormat

	logLevel   string
	gossipKeys []string
	webhooks   string
}

// leastWindow is twice as long as an edge tries to store a message, publishing it again
// when it hears nothing. Two copies of it may be that far apart, and the broker may take
// the last one some time after it was sent; an id that is forgotten by then is stored
// twice.
const leastWindow = 20 * time.Second

func (b *binder) domains(p *[]string) {
	bindList(b, p, "domain", "localhost", "`domain` served; may be repeated")
}

func (b *binder) stores(s *Shared, unless string) {
	b.str(&s.NATS, "nats", "", "`URL` of NATS, several separated by commas"+unless)
	b.num(&s.Replicas, "replicas", 1, "`servers` of NATS that keep what lasts, 1 to 5; counts when it is first made")
	b.num(&s.Partitions, "partitions", 0, "`partitions` of stored messages, 1 to 1024, 0 for what is there or 1; all say the same")
	b.dur(&s.DuplicateWindow, "duplicate-window", 20*time.Second, "`time` for which an id is known, at least twice as long as a store is tried; all say the same")
	b.dur(&s.MessageLifetime, "message-lifetime", 7*24*time.Hour, "`time` that a message waits for its recipient; all say the same")
	b.num(&s.InboxLimit, "inbox-limit", 10_000, "`messages` that may wait for one identity; all say the same")
	b.num(&s.MaxContacts, "max-contacts", 5000, "`contacts` that an identity may have; routers say the same")
	b.num(&s.InboxBytes, "inbox-bytes", 0, "`bytes` of one partition's inbox, 0 for no bound; all say the same")
	b.num(&s.LogBytes, "log-bytes", 0, "`bytes` of one partition's log, and of what its groups were sent, 0 for no bound; all say the same")
	bindList(b, &s.Events, "events", "", "`types` of events that are told, or all; all processes say the same")
	b.dur(&s.EventsAge, "events-age", 72*time.Hour, "`time` that an event is kept for who does not take it; all say the same")
	b.num(&s.EventsBytes, "events-bytes", 64<<20, "`bytes` of one partition's events, of which the oldest go first; all say the same")
	b.str(&s.Redis, "redis", "", "`URL` of Redis; redis+cluster://host:port,host:port for a cluster"+unless)
}

// groupBounds are the bounds of LIME's groups, which routers keep.
func (b *binder) groupBounds(s *Shared) {
	b.num(&s.GroupMembers, "group-members", 5000, "`members` that a group may have")
	b.num(&s.GroupsPerIdentity, "groups-per-identity", 1000, "`groups` that an identity may have made or joined, and again that others may have put it into")
}

// rooms are what a cluster's rooms have in common.
func (b *binder) rooms(s *Shared) {
	b.str(&s.RoomRules, "room-rules", "", "JSON `file` with who may enter which rooms, and which keep what is published; all say the same")
	b.num(&s.RoomMessages, "room-history-messages", 10_000, "`messages` that a room keeps; counts when it is first made")
	b.dur(&s.RoomAge, "room-history-age", 24*time.Hour, "`time` for which a room keeps messages; counts when it is first made")
	b.num(&s.RoomBytes, "room-history-bytes", 0, "`bytes` that a partition's rooms keep, the oldest going first, 0 for no bound; counts when first made")
}

func (b *binder) member(s *Shared) {
	id, err := os.Hostname()
	if err != nil {
		id = "" // validation then asks for -id
	}
	b.group("Cluster")
	b.str(&s.ID, "id", id, "`name` of this process, for people")
	b.str(&s.Zone, "zone", "", "`name` of the zone, for distances")
	b.str(&s.Gossip, "gossip", "127.0.0.1:7946", "`address` that gossip binds")
	b.str(&s.Advertise, "advertise", "", "`address` under which others reach this process's gossip (default the bound one)")
	bindList(b, &s.Join, "join", "", "`host:port` of members, a name standing for all its addresses; may be repeated")
	bindList(b, &s.gossipKeys, "gossip-key", "", "`key` of 16, 24 or 32 bytes in base64; the first encrypts, the others decrypt; may be repeated")
}

func (b *binder) process(s *Shared) {
	b.group("Process")
	b.str(&s.Admin, "admin", "127.0.0.1:8090", "`address` for health, metrics, status and profiles; empty for none")
	b.str(&s.AdminToken, "admin-token", "", "`token` of who may do more on the status page than look, 16 bytes at least; give it by the environment or a file")
	b.str(&s.logLevel, "log-level", "info", "least `level` logged: trace, debug, info, warn, error")
	b.str((*string)(&s.LogFormat), "log-format", string(LogText), "`format` of the log: text or json")
	b.str(&b.file, "config", "", "YAML `file` with these flags as keys")
	b.yes(&b.check, "check", false, "check the configuration and print it, as YAML for -config, instead of starting")
}

func (s *Shared) validate(storesNeeded bool) error {
	var c check
	c.that(s.NATS != "" || !storesNeeded, "nats", "needs a URL")
	c.that(s.Redis != "" || !storesNeeded, "redis", "needs a URL")
	if s.NATS != "" {
		for one := range strings.SplitSeq(s.NATS, ",") {
			c.url("nats", strings.TrimSpace(one), "nats", "tls", "ws", "wss")
		}
	}
	if s.Redis != "" {
		c.url("redis", s.Redis, "redis", "rediss", "redis+cluster", "rediss+cluster")
	}

	c.that(s.Replicas >= 1 && s.Replicas <= 5, "replicas", "%d is not between 1 and 5", s.Replicas)
	c.that(s.Partitions >= 0 && s.Partitions <= 1024, "partitions", "%d is not between 1 and 1024, or 0 for what is there", s.Partitions)
	c.that(s.DuplicateWindow >= leastWindow, "duplicate-window", "%s is less than %s, twice as long as a store is tried: messages might be stored twice", s.DuplicateWindow, leastWindow)
	c.that(s.MessageLifetime >= s.DuplicateWindow, "message-lifetime", "%s is less than -duplicate-window %s: the id of a message that has expired would be known still", s.MessageLifetime, s.DuplicateWindow)
	c.atLeast("inbox-limit", s.InboxLimit, 1)
	c.atLeast("max-contacts", s.MaxContacts, 1)
	c.streamBytes("inbox-bytes", s.InboxBytes)
	c.streamBytes("log-bytes", s.LogBytes)
	c.that(s.EventsAge >= leastEventsAge, "events-age", "%s is less than %s", s.EventsAge, leastEventsAge)
	c.that(s.EventsBytes >= leastStream, "events-bytes", "%d is less than %d", s.EventsBytes, leastStream)
	c.atLeast("room-history-messages", s.RoomMessages, 1)
	c.that(s.RoomAge >= s.DuplicateWindow, "room-history-age", "%s is less than -duplicate-window %s", s.RoomAge, s.DuplicateWindow)
	c.streamBytes("room-history-bytes", s.RoomBytes)
	if c.err == nil {
		c.err = s.readWebhooks()
	}
	c.atLeast("group-members", s.GroupMembers, 1)
	c.atLeast("groups-per-identity", s.GroupsPerIdentity, 1)
	c.that(len(s.Domains) > 0, "domain", "needs at least one domain")
	for i, d := range s.Domains {
		c.domain("domain", d)
		of, groups := strings.CutPrefix(strings.ToLower(d), "groups.")
		c.that(!groups, "domain", "%s is where the groups of %s are", d, of)
		s.Domains[i] = strings.ToLower(d)
	}
	sorted := slices.Sorted(slices.Values(s.Domains))
	c.that(len(slices.Compact(sorted)) == len(s.Domains), "domain", "the same domain is given twice")

	s.Authority.validate(&c)
	s.Files.validate(&c)
	s.HighTemplarRooms.validate(&c, s.Domains)
	s.HighTemplarTriggers.validate(&c)

	c.that(s.ID != "", "id", "must not be empty")
	c.name("id", s.ID)
	c.name("zone", s.Zone)
	c.that(s.Gossip != "", "gossip", "must not be empty")
	c.listen("gossip", s.Gossip)
	if s.Advertise != "" {
		c.advertise("advertise", s.Advertise)
	}
	for _, j := range s.Join {
		c.hostPort("join", j)
	}
	for i, k := range s.gossipKeys {
		raw, err := base64.StdEncoding.DecodeString(k)
		c.that(err == nil, "gossip-key", "key %d is not base64", i+1)
		n := len(raw)
		c.that(n == 16 || n == 24 || n == 32, "gossip-key", "key %d has %d bytes, not 16, 24 or 32", i+1, n)
		s.GossipKeys = append(s.GossipKeys, raw)
	}
	s.gossipKeys = nil

	if c.err == nil {
		c.err = s.Logins.validate()
	}
	s.Tracing.validate(&c)
	c.listen("admin", s.Admin)
	c.bearer("admin-token", s.AdminToken)
	level, err := logrus.ParseLevel(s.logLevel)
	c.that(err == nil, "log-level", "unknown level %q; known are trace, debug, info, warn, error", s.logLevel)
	s.LogLevel, s.logLevel = level, ""
	c.that(s.LogFormat == LogText || s.LogFormat == LogJSON, "log-format", "%q is neither text nor json", s.LogFormat)
	return c.err
}
