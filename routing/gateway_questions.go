package routing

import "time"

// domainQuestion is a domain that is asked about.
type domainQuestion struct {
	by      *Member   // who has asked; nil for the edge
	idle    bool      // nothing has waited for the answer: what was known before is used meanwhile
	waiting []foreign // in order
}

// usableLocked is what is known of a domain, when it is new enough. A gateway that is asked
// about again is used for as long once more, so that those who ask about other domains do not
// hold up what is for this one.
func (g *gateways) usableLocked(domain string, now time.Time) (k gateway, ok bool) {
	if k, ok = g.known.get(domain); !ok {
		k, ok = g.nobody.get(domain)
	}
	if !ok || k.identity.IsZero() {
		return k, ok && now.Before(k.until)
	}
	return k, now.Before(k.until.Add(gatewayKept))
}

// askLocked has a domain asked about; nil when there is no room, or when the session has its
// share of it.
func (g *gateways) askLocked(domain string, m *Member) *domainQuestion {
	if len(g.open) >= gatewayDomains || m != nil && g.asking[m] >= gatewayAsked {
		return nil
	}
	select {
	case g.ask <- domain:
	default: // the workers are still at it
		return nil
	}
	q := &domainQuestion{by: m, idle: true}
	g.open[domain] = q
	if m != nil {
		g.asking[m]++
	}
	return q
}

// learnLocked notes who has authority over a domain.
func (g *gateways) learnLocked(domain string, k gateway) {
	if _, had := g.known.get(domain); had || !k.identity.IsZero() {
		g.known.put(domain, k)
		return
	}
	g.nobody.put(domain, k)
}

// closeLocked ends a question.
func (g *gateways) closeLocked(domain string, q *domainQuestion) {
	delete(g.open, domain)
	if q.by == nil {
		return
	}
	if g.asking[q.by]--; g.asking[q.by] == 0 {
		delete(g.asking, q.by)
	}
}

// answer lets go of what has waited, and of what comes meanwhile, before anything newer
// can go.
func (g *gateways) answer(domain string, k gateway) {
	for {
		g.mu.Lock()
		g.learnLocked(domain, k)
		q := g.open[domain]
		if len(q.waiting) == 0 {
			g.closeLocked(domain, q)
			g.mu.Unlock()
			return
		}
		waiting := q.waiting
		q.waiting = nil
		for i := range waiting {
			g.size -= len(waiting[i].envelope)
		}
		g.mu.Unlock()
		for i := range waiting {
			g.release(&waiting[i], k.identity)
		}
	}
}
