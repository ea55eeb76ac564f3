package room

import (
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"
)

// TestIndexFindsWhatLookingAtAllFinds, whatever was set and deleted before.
func TestIndexFindsWhatLookingAtAllFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SampledFrom([]string{`"*"`, `1`, `2`, `"1"`})
		drawn := rapid.Custom(func(t *rapid.T) Name {
			form := rapid.SampledFrom([]string{`{"a":%s}`, `{"a":%s,"b":%s}`, `{"b":%s,"c":%s,"d":%s}`, `"/x/%.0s*"`, `"/%.0sy/x"`}).Draw(t, "form")
			values := []any{value.Draw(t, "a"), value.Draw(t, "b"), value.Draw(t, "c")}
			var n int
			for i := range form {
				if form[i] == '%' {
					n++
				}
			}
			name, err := Of(fmt.Appendf(nil, form, values[:n]...))
			if err != nil {
				t.Fatal(err)
			}
			return name
		})
		var index Index[int]
		model := make(map[Name]int)
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				n, v := drawn.Draw(t, "room"), rapid.Int().Draw(t, "held")
				index.Set(n, v)
				model[n] = v
			},
			"delete": func(t *rapid.T) {
				n := drawn.Draw(t, "room")
				index.Delete(n)
				delete(model, n)
			},
			"": func(t *rapid.T) {
				if index.Len() != len(model) {
					t.Fatalf("%d rooms, want %d", index.Len(), len(model))
				}
				n, sides := drawn.Draw(t, "to"), Sides(rapid.IntRange(0, int(Both)).Draw(t, "sides"))
				got, want := make(map[Name]int), make(map[Name]int)
				for r, v := range index.Reached(n, sides) {
					if _, twice := got[r]; twice {
						t.Errorf("%s is reached twice", r)
					}
					got[r] = v
				}
				for r, v := range model {
					if n.Reaches(r, sides) {
						want[r] = v
					}
				}
				if !maps.Equal(got, want) {
					t.Errorf("%s reaches %v, want %v", n, got, want)
				}
				v, ok := index.Get(n)
				if w, has := model[n]; ok != has || v != w {
					t.Errorf("%s has %d, %t", n, v, ok)
				}
			},
		})
		for n := range model {
			index.Delete(n)
		}
		if len(index.rooms)+len(index.shapes) > 0 {
			t.Errorf("%d rooms and %d shapes are left", len(index.rooms), len(index.shapes))
		}
	})
}

func TestReachedMayBeLeft(t *testing.T) {
	var index Index[int]
	for i := range 3 {
		index.Set(must(t, fmt.Sprintf(`"/x/%d"`, i)), i)
	}
	n := 0
	for range index.Reached(must(t, `"/x/*"`), Publisher) {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d rooms", n)
	}
}

// BenchmarkReached is what finding ten rooms costs among a hundred thousand, where each
// value of one key has ten, and one value of the other key has all.
func BenchmarkReached(b *testing.B) {
	var index Index[int]
	const rooms, alike = 100_000, 10
	for i := range rooms {
		index.Set(must(b, fmt.Sprintf(`{"target":"ride","depot":%d,"id":%d}`, i/alike, i)), i)
	}
	for _, row := range []struct {
		name, room string
		sides      Sides
		reached    int
	}{
		{"exact", `{"target":"ride","depot":5000,"id":50000}`, Neither, 1},
		{"publisher", `{"target":"ride","depot":5000,"id":"*"}`, Publisher, alike},
		{"both", `{"target":"ride","depot":"*","id":50000}`, Both, 1},
		{"nobody", `{"target":"walk","depot":"*","id":"*"}`, Both, 0},
	} {
		b.Run(row.name, func(b *testing.B) {
			n := must(b, row.room)
			b.ReportAllocs()
			for b.Loop() {
				reached := 0
				for range index.Reached(n, row.sides) {
					reached++
				}
				if reached != row.reached {
					b.Fatalf("%d rooms are reached, want %d", reached, row.reached)
				}
			}
		})
	}
}
