package router

import "context"

// finish tells at once what still waits when the router ends: nobody else knows of it, and a
// session that has revoked its own key, or was on its way in, would stay. It needs that nothing
// comes any more, within ctx.
func (e *accountEvents) finish(ctx context.Context) {
	for _, queue := range []chan laterEvent{e.deleted, e.revoked, e.made, e.again, e.gone} {
		for len(queue) > 0 {
			later := <-queue
			if !e.outdated(ctx, later.AccountEvent) && (queue != e.gone || !e.guestsHave(ctx, later.Identity)) {
				e.publish(later.AccountEvent)
			}
		}
	}
	if err := e.nats.FlushWithContext(ctx); err != nil {
		e.warn.Warn("could not tell of accounts at the end", err)
	}
}
