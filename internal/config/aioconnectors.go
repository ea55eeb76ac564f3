package config

import (
	"net"
	"slices"
	"strings"
)

// AioConnectors is what an edge serves connectors of aioconnectors with.
type AioConnectors struct {
	// Address is where they connect; empty for nowhere.
	Address string
	// TLS has them encrypted, with the certificate of the edge. Default false.
	TLS bool
	// Tokens has them be let in by tokens, which are given out. Default false.
	Tokens bool
	// MaxTokens is how many there may be. Default 10000.
	MaxTokens int
	// Certificates has them be let in by certificates of the cluster's authority, which gives them theirs. Default false.
	Certificates bool
	// Domain is what connectors are identities of: one that is served, and not the first.
	Domain string
	// Service is the identity that takes what is for their server. Default none.
	Service string
	// Server is what connectors know their server by until they have named it. Default the
	// address.
	Server string
	// Types are those of messages that are taken. Default all.
	Types []string
	// Simple sends each message at most once. Default false.
	Simple bool
	// Topics is how many one connector may subscribe to. Default 1000.
	Topics int
	// Backlog is the bytes that may wait for one connector. Default 1048576.
	Backlog int
}

const (
	aioTopics  = 1000
	aioBacklog = 1 << 20
	aioTokens  = 10_000
)

// Connectors is the domain of connectors; "" when they are not served.
func (p *AioConnectors) Connectors() string {
	if p.Address == "" {
		return ""
	}
	return p.Domain
}

// ServerName is Server, or the address as connectors write one.
func (p *AioConnectors) ServerName() string {
	if p.Server != "" {
		return p.Server
	}
	host, port, err := net.SplitHostPort(p.Address)
	if err != nil {
		return p.Address
	}
	return "('" + host + "', " + port + ")"
}

// Flags are the flags, with their values, that every edge has to be given alike, but for the
// address.
func (p *AioConnectors) Flags() (flags []string) {
	if p.Address == "" {
		return nil
	}
	flags = []string{"-aioconnectors-domain " + p.Domain}
	if p.TLS {
		flags = append(flags, "-aioconnectors-tls")
	}
	if p.Certificates {
		flags = append(flags, "-aioconnectors-certificates")
	}
	if p.Tokens {
		flags = append(flags, "-aioconnectors-tokens")
	}
	if p.Service != "" {
		flags = append(flags, "-aioconnectors-service "+p.Service)
	}
	if len(p.Types) > 0 {
		flags = append(flags, "-aioconnectors-types "+strings.Join(p.Types, ","))
	}
	if p.Simple {
		flags = append(flags, "-aioconnectors-simple")
	}
	return flags
}

func (b *binder) aioConnectors(p *AioConnectors) {
	b.group("aioconnectors")
	b.str(&p.Address, "aioconnectors", "", "`address` for connectors of aioconnectors, such as :10673; empty for none")
	b.yes(&p.TLS, "aioconnectors-tls", false, "have connectors encrypted, with -tls-cert; they set ssl_allow_all")
	b.yes(&p.Tokens, "aioconnectors-tokens", false, "let connectors in by tokens, each given to who asks for a name first; they set use_token")
	b.num(&p.MaxTokens, "aioconnectors-max-tokens", aioTokens, "`tokens` that there may be")
	b.yes(&p.Certificates, "aioconnectors-certificates", false, "let connectors in by certificates that -authority gives them; they set use_ssl alone")
	b.str(&p.Domain, "aioconnectors-domain", "", "`domain` that connectors are identities of: one of -domain, in which nobody else logs in")
	b.str(&p.Service, "aioconnectors-service", "", "`identity` that takes what connectors send to their server, and speaks as that; empty for nobody")
	b.str(&p.Server, "aioconnectors-server", "", "`name` of the server in frames until a connector has named it (default the address, as connectors write one)")
	bindList(b, &p.Types, "aioconnectors-types", "", "`types` of messages that are taken; empty for all")
	b.yes(&p.Simple, "aioconnectors-simple", false, "send each message at most once: nothing waits for a connector that is away")
	b.num(&p.Topics, "aioconnectors-topics", aioTopics, "`topics` of a connector")
	b.num(&p.Backlog, "aioconnectors-backlog", aioBacklog, "`bytes` that may wait for a connector; one with topics is cut off with more")
}

func (p *AioConnectors) validate(c *check, domains []string) {
	if p.Address == "" {
		return
	}
	c.listen("aioconnectors", p.Address)
	at := slices.IndexFunc(domains, func(d string) bool { return strings.EqualFold(d, p.Domain) })
	c.that(at > 0, "aioconnectors-domain", "%q is none of -domain, or the first of them, which is that of accounts", p.Domain)
	name, domain, ok := strings.Cut(p.Service, "@")
	c.that(p.Service == "" || ok && name != "" && domain != "", "aioconnectors-service", "%q is no identity", p.Service)
	c.that(!p.Tokens || p.TLS, "aioconnectors-tokens", "needs -aioconnectors-tls: a token in clear is everybody's")
	c.that(!p.Certificates || p.TLS, "aioconnectors-certificates", "needs -aioconnectors-tls")
	c.that(!p.Certificates || !p.Tokens, "aioconnectors-certificates", "goes without -aioconnectors-tokens")
	c.atLeast("aioconnectors-max-tokens", p.MaxTokens, 1)
	c.atLeast("aioconnectors-topics", p.Topics, 1)
	c.atLeast("aioconnectors-backlog", p.Backlog, 4096)
}
