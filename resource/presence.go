package resource

import (
	"context"
	"errors"

	"limegrove/lime"
)

// errOwnPresence shows that something is connected wrongly.
var errOwnPresence = errors.New("a session's own presence is for its edge to answer")

// HandlePresence registers /presence as far as it is another identity's. It
// needs that identity's permission, and as long as nobody can give any, it is
// refused (L-CMD-14).
func HandlePresence(m *Mux) {
	for _, method := range []lime.Method{
		lime.MethodGet, lime.MethodSet, lime.MethodMerge, lime.MethodDelete,
		lime.MethodSubscribe, lime.MethodUnsubscribe,
	} {
		m.Handle(method, "/presence", func(_ context.Context, r Request) (Document, error) {
			if err := r.checkOwn(); err != nil {
				return Document{}, err
			}
			return Document{}, errOwnPresence
		})
	}
}
