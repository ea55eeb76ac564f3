package edge

import (
	"net/netip"
	"testing"
	"time"
)

// come has one address connect so often at once, and returns how many go on at once, wait, and have no turn.
func come(p *pacing, from netip.Addr, now instant, n int) (atOnce, waiting, none int, longest time.Duration) {
	for range n {
		switch wait, ok := p.turn(from, now); {
		case !ok:
			none++
		case wait > 0:
			waiting++
			longest = max(longest, wait)
		default:
			atOnce++
		}
	}
	return atOnce, waiting, none, longest
}

func TestAddressHasItsRateWhateverItTries(t *testing.T) {
	p := newPacing(100, nil)
	flood, now := netip.MustParseAddr("192.0.2.1"), instant(1)
	atOnce, waiting, none, longest := come(p, flood, now, 1000)
	if atOnce != 100 || waiting != 500 || none != 400 || longest > turnPatience {
		t.Errorf("of a thousand at once %d go on, %d wait, for %s at most, and %d have no turn", atOnce, waiting, longest, none)
	}
	// It goes on: what has turns is its rate.
	turns := 0
	for range 100 {
		now += instant(100 * time.Millisecond)
		atOnce, waiting, _, _ := come(p, flood, now, 500)
		turns += atOnce + waiting
	}
	if turns < 990 || turns > 1010 {
		t.Errorf("in ten seconds it has %d turns", turns)
	}
	// And is forgotten when it stops.
	if atOnce, _, _, _ := come(p, flood, now+instant(6*time.Second), 100); atOnce != 100 {
		t.Errorf("six seconds later %d of a hundred go on", atOnce)
	}
}

// Who is not served has used no turn, and nobody's else.
func TestTurnsAreGivenBack(t *testing.T) {
	p := newPacing(100, nil)
	from, other, now := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), instant(1)
	come(p, other, now, 200)
	for range 1000 {
		if _, ok := p.turn(from, now); ok {
			p.giveBack(from, now)
		}
	}
	if atOnce, waiting, _, _ := come(p, from, now, 1000); atOnce != 100 || waiting != 500 {
		t.Errorf("after a thousand that are not served %d go on, and %d wait", atOnce, waiting)
	}
	if atOnce, waiting, _, _ := come(p, other, now, 1000); atOnce != 0 || waiting != 400 {
		t.Errorf("of another address %d go on, and %d wait", atOnce, waiting)
	}
}

func TestLowAddressRates(t *testing.T) {
	for _, rate := range []int{1, 2, 7} {
		atOnce, waiting, _, longest := come(newPacing(rate, nil), netip.MustParseAddr("192.0.2.1"), 1, 100)
		if atOnce != rate || waiting != 5*rate || longest > turnPatience {
			t.Errorf("at %d a second %d go on, and %d wait, for %s at most", rate, atOnce, waiting, longest)
		}
	}
}

// A storm from very many addresses, some of which are those of many clients, is not slowed beside a flood from others.
func TestManyAddressesDoNotWait(t *testing.T) {
	p := newPacing(100, nil)
	flood := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(i % 20)}) }
	waited, tries := 0, 0
	for i := range 25_000 { // 5,000 a second
		now := instant(1 + i*200_000)
		for k := range 4 {
			p.turn(flood(4*i+k), now)
		}
		tries++
		if wait, ok := p.turn(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now); wait > 0 || !ok {
			waited++
		}
	}
	if waited*1000 > tries {
		t.Errorf("%d of %d wait", waited, tries)
	}
}

func TestOneNetworkIsOneAddress(t *testing.T) {
	p := newPacing(10, nil)
	turns := 0
	for i := range 100 {
		if _, ok := p.turn(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(i)}), 1); ok {
			turns++
		}
	}
	if turns != 60 {
		t.Errorf("an IPv6 network of 64 bits has %d turns", turns)
	}
}

func TestExemptAddressesHaveNoRate(t *testing.T) {
	p := newPacing(1, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")})
	for _, from := range []string{"10.1.2.3", "::ffff:10.1.2.3"} {
		if atOnce, _, _, _ := come(p, netip.MustParseAddr(from), 1, 1000); atOnce != 1000 {
			t.Errorf("%d of %s go on", atOnce, from)
		}
	}
	if atOnce, _, _, _ := come(p, netip.MustParseAddr("192.0.2.1"), 1, 1000); atOnce != 1 {
		t.Errorf("%d of another go on", atOnce)
	}
	if atOnce, _, _, _ := come(newPacing(-1, nil), netip.MustParseAddr("192.0.2.1"), 1, 1000); atOnce != 1000 {
		t.Errorf("without a rate %d go on", atOnce)
	}
}

func BenchmarkTurn(b *testing.B) {
	p := newPacing(100, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")})
	var now instant
	from := netip.MustParseAddr("2001:db8::1")
	b.ReportAllocs()
	for b.Loop() {
		now += 1000
		p.turn(from, now)
	}
}
