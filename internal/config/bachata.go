package config

import (
	"slices"
	"strings"
)

// ChannelMode says which sockets of a channel get a message.
type ChannelMode string

// The modes.
const (
	ChannelQueue  ChannelMode = "queue"  // one of them
	ChannelFanout ChannelMode = "fanout" // all
)

// Bachata is what an edge serves bachata's clients with.
type Bachata struct {
	// Path is where they connect; empty for nowhere.
	Path string
	// Domain is what channels are identities of: one that is served, and not the first.
	Domain string
	// Mode is which sockets of a channel get a message. Default queue.
	Mode ChannelMode
	// Simple sends each message at most once. Default false.
	Simple bool
	// SetFrom has the server say who has sent a message. Default false.
	SetFrom bool
	// Tokens lets in only who shows a token of its channel, by -auth-issuers. Default true.
	Tokens bool
	// Origins are pages that browsers may come from. Default those of the edge's own host.
	Origins []string
}

// Channels is the domain of channels; "" when bachata is not served.
func (p *Bachata) Channels() string {
	if p.Path == "" {
		return ""
	}
	return p.Domain
}

// Flags are the flags, with their values, that every edge has to be given alike.
func (p *Bachata) Flags() (flags []string) {
	if p.Path == "" {
		return nil
	}
	flags = []string{"-bachata " + p.Path, "-bachata-domain " + p.Domain}
	if p.Mode != ChannelQueue {
		flags = append(flags, "-bachata-mode "+string(p.Mode))
	}
	if p.Simple {
		flags = append(flags, "-bachata-simple")
	}
	if p.SetFrom {
		flags = append(flags, "-bachata-set-from")
	}
	if !p.Tokens {
		flags = append(flags, "-bachata-tokens=false")
	}
	if len(p.Origins) > 0 {
		flags = append(flags, "-bachata-origins "+strings.Join(p.Origins, ","))
	}
	return flags
}

func (b *binder) bachata(p *Bachata) {
	b.group("Bachata")
	b.str(&p.Path, "bachata", "", "`path` for clients of bachata, such as /messages; empty for none")
	b.str(&p.Domain, "bachata-domain", "", "`domain` that channels are identities of: one of -domain, in which nobody else logs in")
	b.str((*string)(&p.Mode), "bachata-mode", string(ChannelQueue), "`which` sockets of a channel get a message: queue for one of them, fanout for all")
	b.yes(&p.Simple, "bachata-simple", false, "send each message at most once, and confirm nothing")
	b.yes(&p.SetFrom, "bachata-set-from", false, "say in each message which channel has sent it")
	b.yes(&p.Tokens, "bachata-tokens", true, "let in only who shows a token of its channel, by -auth-issuers; =false for whoever names one")
	bindList(b, &p.Origins, "bachata-origins", "", "`origins` of pages that browsers may come from, or * for all (default those of the host that they ask)")
}

func (p *Bachata) validate(c *check, domains []string) {
	if p.Path == "" {
		return
	}
	c.that(strings.HasPrefix(p.Path, "/") && len(p.Path) > 1, "bachata", "%q is no path", p.Path)
	at := slices.IndexFunc(domains, func(d string) bool { return strings.EqualFold(d, p.Domain) })
	c.that(at > 0, "bachata-domain", "%q is none of -domain, or the first of them, which is that of accounts", p.Domain)
	c.that(p.Mode == ChannelQueue || p.Mode == ChannelFanout, "bachata-mode", "%q is neither queue nor fanout", p.Mode)
}
