package routing

// lately keeps what was last put or found. It has two generations: when the young one
// is full it becomes the old one, and what was the old one is dropped.
type lately[K comparable, V any] struct {
	size       int // of one generation
	young, old map[K]V
}

func (l *lately[K, V]) put(k K, v V) {
	if l.young == nil || len(l.young) >= l.size {
		l.old, l.young = l.young, map[K]V{}
	}
	l.young[k] = v
}

func (l *lately[K, V]) get(k K) (V, bool) {
	v, ok := l.young[k]
	if !ok {
		if v, ok = l.old[k]; ok {
			l.put(k, v)
		}
	}
	return v, ok
}
