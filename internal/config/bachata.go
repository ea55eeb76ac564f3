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

// ChannelAuth says whom a channel is given to.
type ChannelAuth string

// Whom a channel may be given to. In the first two, routers decide as about the scheme external.
const (
	ChannelToken   ChannelAuth = "token"   // who shows a token of it
	ChannelWebhook ChannelAuth = "webhook" // whom the webhook lets in, by a token or without one
	ChannelOpen    ChannelAuth = "open"    // whoever names it
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
	// Auth is whom a channel is given to. Default token.
	Auth ChannelAuth
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
	if p.Auth != ChannelToken {
		flags = append(flags, "-bachata-auth "+string(p.Auth))
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
	b.str((*string)(&p.Auth), "bachata-auth", string(ChannelToken), "`whom` a channel is given to: token, webhook (whom -auth-webhook lets in) or open (anybody)")
	bindList(b, &p.Origins, "bachata-origins", "", "`origins` of pages that browsers may come from, or * for all (default those of the host that they ask)")
}

func (p *Bachata) validate(c *check, domains []string) {
	c.that(p.Auth == ChannelToken || p.Auth == ChannelWebhook || p.Auth == ChannelOpen, "bachata-auth", "%q is none of token, webhook and open", p.Auth)
	c.that(p.Mode == ChannelQueue || p.Mode == ChannelFanout, "bachata-mode", "%q is neither queue nor fanout", p.Mode)
	if p.Path == "" {
		return
	}
	c.that(strings.HasPrefix(p.Path, "/") && len(p.Path) > 1, "bachata", "%q is no path", p.Path)
	at := slices.IndexFunc(domains, func(d string) bool { return strings.EqualFold(d, p.Domain) })
	c.that(at > 0, "bachata-domain", "%q is none of -domain, or the first of them, which is that of accounts", p.Domain)
}
