package cluster

import (
	"context"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"time"
)

// joinsAtOnce bounds the members contacted in one look. One is enough to learn of
// all others; each costs an exchange of the whole state.
const joinsAtOnce = 3

// firstJoinDelay is the time until the second look while this member is alone.
const firstJoinDelay = time.Second

// keepJoined looks at Config.Join until ctx is done or the cluster is left.
func (c *Cluster) keepJoined(ctx context.Context) {
	if len(c.cfg.Join) == 0 {
		return
	}
	alone := firstJoinDelay
	for {
		c.joinMissing(ctx)
		delay := c.cfg.JoinInterval
		if len(c.Members()) < 2 {
			delay = min(alone, c.cfg.JoinInterval)
			alone = min(2*alone, c.cfg.JoinInterval)
		} else {
			alone = firstJoinDelay
		}
		select {
		case <-ctx.Done():
			return
		case <-c.closed:
			return
		case <-time.After(jitter(delay)):
		}
	}
}

// joinMissing contacts addresses of Config.Join that are no member's, at most
// joinsAtOnce with success.
func (c *Cluster) joinMissing(ctx context.Context) {
	missing := c.missing(ctx)
	rand.Shuffle(len(missing), func(i, j int) { missing[i], missing[j] = missing[j], missing[i] })
	joined := 0
	for _, addr := range missing {
		if joined == joinsAtOnce || ctx.Err() != nil {
			break
		}
		if c.gone() {
			return
		}
		if _, err := c.list.Join([]string{addr}); err != nil {
			c.metrics.joins.WithLabelValues("failed").Inc()
			c.log.WithField("address", addr).WithError(err).Debug("no member there to join")
			continue
		}
		c.metrics.joins.WithLabelValues("ok").Inc()
		joined++
	}
	if len(missing) > 0 && joined == 0 && len(c.Members()) < 2 {
		c.log.WithField("join", c.cfg.Join).Warn("alone: nobody to join has answered")
	}
}

// missing is the addresses behind Config.Join that no member has.
func (c *Cluster) missing(ctx context.Context) []string {
	known := map[string]bool{c.GossipAddr(): true}
	for _, m := range c.Members() {
		known[m.Gossip] = true
	}
	var missing []string
	for _, j := range c.cfg.Join {
		for _, addr := range c.resolve(ctx, j) {
			if !known[addr] {
				known[addr] = true
				missing = append(missing, addr)
			}
		}
	}
	return missing
}

// resolve is all addresses of host:port, none when DNS knows none: a headless
// service has no address until its first pod is ready.
func (c *Cluster) resolve(ctx context.Context, hostPort string) []string {
	host, port, err := splitHostPort(hostPort)
	if err != nil {
		return nil // refused by Start
	}
	ips := []string{host}
	if net.ParseIP(host) == nil {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		if ips, err = c.cfg.Resolver.LookupHost(ctx, host); err != nil {
			c.log.WithField("join", hostPort).WithError(err).Debug("no address to join")
			return nil
		}
	}
	addrs := make([]string, 0, len(ips))
	for _, ip := range ips {
		if parsed := net.ParseIP(ip); parsed != nil {
			ip = parsed.String() // spelled as members' addresses are
		}
		addrs = append(addrs, net.JoinHostPort(ip, strconv.Itoa(port)))
	}
	slices.Sort(addrs)
	return slices.Compact(addrs)
}

// gone tells that this member has begun to leave or to close.
func (c *Cluster) gone() bool { return c.left.Load() || c.shut.Load() }

// jitter spreads d over its half to one and a half, so that a fleet started
// together does not resolve and join together.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d)
}
