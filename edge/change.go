package edge

import (
	"maps"
	"slices"

	"limegrove/edge/auth"
	"limegrove/edge/poll"
)

// Change returns what puts another configuration in force while the edge runs, or says what is wrong with it. It may be
// called from anywhere, by one at a time, and so may apply, which cannot fail.
//
// These count: Authority, RoomRules, MaxRooms, Peers, Schemes, ForwardHeaders, ForwardCookies, Encryption, MaxEnvelope, EnvelopeRate, ByteRate,
// MaxSessions, MaxPerAddress, EstablishTimeout, PingInterval, IdleTimeout, SendQueue, MaxHeld, MaxQueued, AdmissionRate,
// AddressRate and Exempt. Everything else stays what it was.
//
// A session has its new limits when something comes of it next, and new times when what it waits for now is over. What it
// was offered, and the rooms that it is in, stay its own. Connections of before MaxPerAddress was set do not count for that.
func (e *Edge) Change(cfg Config) (apply func(), err error) {
	will := *e.cfg.Load()
	will.RoomRules, will.MaxRooms, will.Peers = cfg.RoomRules, cfg.MaxRooms, cfg.Peers
	will.Schemes, will.Encryption = cfg.Schemes, cfg.Encryption
	will.ForwardHeaders, will.ForwardCookies = cfg.ForwardHeaders, cfg.ForwardCookies
	will.MaxEnvelope, will.EnvelopeRate, will.ByteRate = cfg.MaxEnvelope, cfg.EnvelopeRate, cfg.ByteRate
	will.MaxSessions, will.MaxPerAddress = cfg.MaxSessions, cfg.MaxPerAddress
	will.EstablishTimeout, will.PingInterval, will.IdleTimeout = cfg.EstablishTimeout, cfg.PingInterval, cfg.IdleTimeout
	will.SendQueue, will.MaxHeld, will.MaxQueued = cfg.SendQueue, cfg.MaxHeld, cfg.MaxQueued
	will.Authority = cfg.Authority
	will.AdmissionRate, will.AddressRate, will.Exempt = cfg.AdmissionRate, cfg.AddressRate, cfg.Exempt
	if will, err = will.withDefaults(); err != nil {
		return nil, err
	}
	return func() {
		// The bounds first: what is longer than they allow would cut who sends it.
		e.loops.SetBounds(poll.Bounds{
			MaxUnread: maxUnread(will.MaxEnvelope), MaxHeld: will.MaxHeld, MaxQueued: will.MaxQueued, QueueLimit: will.SendQueue,
		})
		e.ruling.Lock()
		defer e.ruling.Unlock()
		rules := *e.rules.Load()
		e.put(&will, &rules)
	}, nil
}

// maxUnread is what may be unread of a connection, as the poller has it.
func maxUnread(maxEnvelope int) int {
	return max(maxEnvelope, maxRequest) + maxHead + 4 + readBuffer // which is read behind all but the end of a frame
}

// put puts a configuration in force, with the rules that follow from it. It takes both; rules has what does not change.
func (e *Edge) put(cfg *Config, rules *sessionRules) {
	was := e.cfg.Load()
	rules.envelopeRate, rules.maxEnvelope, rules.byteRate = cfg.EnvelopeRate, cfg.MaxEnvelope, cfg.ByteRate
	rules.rooms = roomRules{}
	if cfg.Rooms != nil {
		rules.rooms = roomRules{on: true, may: cfg.RoomRules, most: cfg.MaxRooms}
	}
	rules.encryption = nil
	if slices.Contains(cfg.Encryption, EncryptionTLS) { // else there is nothing to choose
		for _, o := range cfg.Encryption {
			rules.encryption = append(rules.encryption, string(o))
		}
	}
	rules.options, rules.uncertified = nil, nil
	for _, s := range cfg.Schemes {
		rules.options = append(rules.options, string(s))
		if s != auth.SchemeTransport {
			rules.uncertified = append(rules.uncertified, string(s))
		}
	}
	e.employ(cfg) // before a scheme is offered
	e.addresses.max.Store(int64(cfg.MaxPerAddress))
	e.waiting.max.Store(int64(maxDeferredOf(cfg.MaxSessions)))
	if was == nil || was.AdmissionRate != cfg.AdmissionRate {
		e.admission.Store(newAdmission(cfg.AdmissionRate))
	}
	if was == nil || was.AddressRate != cfg.AddressRate || !slices.Equal(was.Exempt, cfg.Exempt) {
		e.pacing.Store(newPacing(cfg.AddressRate, cfg.Exempt))
	}
	e.forward.Store(newForward(cfg.ForwardHeaders, cfg.ForwardCookies))
	e.rules.Store(rules)
	e.cfg.Store(cfg)
}

// employ has workers for each scheme that is offered, besides those that were.
func (e *Edge) employ(cfg *Config) {
	all := map[auth.Scheme]*workers{}
	if before := e.logins.Load(); before != nil {
		all = maps.Clone(*before)
	}
	for _, s := range cfg.Schemes {
		if all[s] == nil {
			all[s] = newWorkers(e.working, cfg.Logger, cfg.Establishing, cfg.Waiting)
		}
	}
	e.logins.Store(&all)
}

// loginsBy are the workers for logins by a scheme that is, or was, offered.
func (e *Edge) loginsBy(s auth.Scheme) *workers { return (*e.logins.Load())[s] }
