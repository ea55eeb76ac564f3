package edge

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// offered is a source that connects so often a second.
type offered struct {
	from       func(i int) netip.Addr
	rate       int
	tried, let int
}

// host is an address that is always the same.
func host(a string) func(int) netip.Addr {
	addr := netip.MustParseAddr(a)
	return func(int) netip.Addr { return addr }
}

// offer has sources connect for a while, evenly, and counts those of the time after the first second.
func offer(a *admission, during time.Duration, sources ...*offered) {
	tries := make([]int, len(sources))
	for now := instant(1); now < instant(during); now += instant(100 * time.Microsecond) {
		for i, s := range sources {
			for due := int(float64(now) / 1e9 * float64(s.rate)); tries[i] < due; tries[i]++ {
				ok := a.admit(s.from(tries[i]), now)
				if now < instant(time.Second) {
					continue
				}
				s.tried++
				if ok {
					s.let++
				}
			}
		}
	}
}

func TestLowRatesAdmit(t *testing.T) {
	for _, rate := range []int{1, 2, 3, sourcePart - 1, sourcePart} {
		a := newAdmission(rate)
		ana := &offered{from: host("192.0.2.1"), rate: 1}
		offer(a, 10*time.Second, ana)
		if rate > 1 && ana.let < ana.tried || ana.let < ana.tried-1 {
			t.Errorf("at %d a second %d of %d that come one a second are admitted", rate, ana.let, ana.tried)
		}
		flood := &offered{from: host("192.0.2.2"), rate: 100}
		a = newAdmission(rate)
		offer(a, 11*time.Second, flood)
		if flood.let < 9*rate || flood.let > 11*rate {
			t.Errorf("at %d a second %d of %d are admitted in 10 s", rate, flood.let, flood.tried)
		}
	}
}

func TestFloodLeavesRoomForOthers(t *testing.T) {
	for _, row := range []struct {
		name string
		from func(int) netip.Addr
	}{
		{"from one address", host("192.0.2.1")},
		{"mapped to IPv6", host("::ffff:192.0.2.1")},
		{"from all addresses of a network", func(i int) netip.Addr {
			return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(i), 14: byte(i >> 8), 9: byte(i >> 16)})
		}},
	} {
		a := newAdmission(1000)
		flood := &offered{from: row.from, rate: 20_000}
		ana, rui := &offered{from: host("198.51.100.1"), rate: 40}, &offered{from: host("2001:db8:1::1"), rate: 20}
		many := &offered{from: func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }, rate: 300}
		offer(a, 10*time.Second, flood, ana, rui, many)
		for name, s := range map[string]*offered{"one": ana, "one over IPv6": rui, "many": many} {
			if s.let < s.tried*99/100 {
				t.Errorf("%s: of %s %d of %d are admitted", row.name, name, s.let, s.tried)
			}
		}
		if all := flood.let + ana.let + rui.let + many.let; flood.let == 0 || all < 8900 || all > 9600 {
			t.Errorf("%s: %d are admitted in nine seconds, %d of the flood", row.name, all, flood.let)
		}
	}
}

func TestOneSourceAloneHasAll(t *testing.T) {
	one := &offered{from: host("192.0.2.1"), rate: 900}
	offer(newAdmission(1000), 5*time.Second, one)
	if one.let != one.tried {
		t.Errorf("%d of %d are admitted", one.let, one.tried)
	}
}

// Whose bucket is that of a flood has another one.
func TestFloodsDoNotHitOthersByChance(t *testing.T) {
	a := newAdmission(10_000)
	var all []*offered
	for i := range 20 {
		all = append(all, &offered{from: host(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}).String()), rate: 5000})
	}
	many := &offered{from: func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }, rate: 2000}
	offer(a, 4*time.Second, append(all, many)...)
	if many.let < many.tried*99/100 {
		t.Errorf("%d of %d are admitted", many.let, many.tried)
	}
}

func TestNoAdmissionRate(t *testing.T) {
	a := newAdmission(-1)
	for range 100_000 {
		if !a.admit(netip.Addr{}, 1) {
			t.Fatal("one is refused")
		}
	}
}

func TestRefusedConnectionsAreToldToComeAgain(t *testing.T) {
	inMemory(t, Config{AdmissionRate: 8}, func(t *testing.T, e *fixture) {
		var answered, cut int
		for range 30 {
			c := e.connect()
			b := make([]byte, 1000)
			_ = c.nc.SetReadDeadline(time.Now().Add(time.Millisecond)) // or it is closed
			switch n, err := c.nc.Read(b); {
			case n > 0:
				answered++
				if answer := string(b[:n]); !strings.HasPrefix(answer, "HTTP/1.1 503 ") || !strings.Contains(answer, "\r\nRetry-After: ") {
					t.Errorf("it is answered by %q", answer)
				}
			case !isTimeout(err):
				cut++
			}
		}
		// Of a source that is not light after the first, half of the tokens are kept.
		if rate := counted(t, e.metrics.rejections[rejectRate]); rate != answered || answered != 2 {
			t.Errorf("%d are told, and %d counted", answered, rate)
		}
		if n := counted(t, e.metrics.rejections[rejectUnanswered]); n != cut || cut < 20 || cut > 25 {
			t.Errorf("%d are cut, and %d counted", cut, n)
		}
		time.Sleep(5 * time.Second)
		e.login("ana@example.org/1")
	})
}

func BenchmarkAdmit(b *testing.B) {
	a := newAdmission(5000)
	var now instant
	from := netip.MustParseAddr("2001:db8::1")
	b.ReportAllocs()
	for b.Loop() {
		now += 1000
		a.admit(from, now)
	}
}
