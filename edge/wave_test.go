package edge

import "testing"

func TestWaveIsToldOnceWhenItIsOver(t *testing.T) {
	var w wave
	told := func(sessions ...int) (n int) {
		for _, s := range sessions {
			if w.over(s) {
				n++
			}
		}
		return n
	}
	calm := func(sessions int) (all []int) {
		for range 3 * calmLooks {
			all = append(all, sessions)
		}
		return all
	}
	for _, row := range []struct {
		what     string
		sessions []int
		want     int
	}{
		{"nobody has come", calm(0), 0},
		{"few have come", calm(waveLeast - 1), 0},
		{"many come", []int{2000, 4000, 6000, 8000}, 0},
		{"they are here", calm(8000), 1},
		{"fewer than a part of them come", calm(9999), 0},
		{"with more they are a part", calm(10_000), 1},
		{"a few come and go all the time", []int{10_000, 10_049, 10_001, 10_050, 10_000, 10_049, 10_001, 10_050, 10_000, 10_049, 10_001}, 0},
		{"all go", calm(0), 1},
	} {
		if got := told(row.sessions...); got != row.want {
			t.Errorf("%s: told %d times, not %d", row.what, got, row.want)
		}
	}
	never := 0
	for s := 0; s < 100_000; s += 700 { // as long as they come
		never += told(s)
	}
	if never != 0 {
		t.Errorf("%d waves are over while sessions come", never)
	}
	if told(calm(100_000)...) != 1 {
		t.Error("the wave is over, and that is not told")
	}
}
