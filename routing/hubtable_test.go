package routing

import (
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"limegrove/routing/subject"
)

func TestAHubTableIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, model := newHubTable(), map[subject.Key]*hub{}
		size := rapid.SampledFrom([]int{8, 40, 400}).Draw(t, "keys")
		keys := rapid.IntRange(0, size-1)
		for range rapid.IntRange(0, 4*size).Draw(t, "steps") {
			key := subject.Key(fmt.Sprint("org.t.@.n", keys.Draw(t, "key")))
			switch b := table.find(key); {
			case b != model[key]:
				t.Fatalf("of %s there is %v, want %v", key, b, model[key])
			case b == nil:
				model[key] = &hub{key: key}
				table.add(model[key])
			default:
				table.remove(&hub{key: key}) // which is another one
				table.remove(b)
				delete(model, key)
			}
			if table.count != len(model) {
				t.Fatalf("there are %d, want %d", table.count, len(model))
			}
		}
		got := map[subject.Key]*hub{}
		for b := range table.all() {
			got[b.key] = b
		}
		if !maps.Equal(got, model) {
			t.Fatalf("all are %v, want %v", got, model)
		}
	})
}

func TestAHubTableTakesLittle(t *testing.T) {
	table := newHubTable()
	var all []*hub
	for i := range 20_000 {
		b := &hub{key: subject.Key(fmt.Sprint("org.t.@.n", i))}
		all = append(all, b)
		table.add(b)
		if places := len(table.tags); places > leastHubTable && 2*table.count < places {
			t.Fatalf("%d hubs have %d places", table.count, places)
		}
	}
	for _, b := range all {
		table.remove(b)
	}
	if len(table.tags) > leastHubTable {
		t.Errorf("%d hubs have %d places", table.count, len(table.tags))
	}
}
