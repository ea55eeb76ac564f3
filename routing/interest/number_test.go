package interest

import (
	"math"
	"math/big"
	"testing"
)

func FuzzNumberIsTheSumInDecimalDigits(f *testing.F) {
	f.Add(uint32(1), uint64(0))
	f.Add(uint32(1), uint64(1))
	f.Add(uint32(math.MaxUint32), uint64(math.MaxInt64))
	f.Add(uint32(54210), uint64(1844674407370955)) // noughts in the middle
	f.Fuzz(func(t *testing.T, k uint32, n uint64) {
		if k == 0 {
			t.Skip("no subject has it")
		}
		want := new(big.Int).Lsh(big.NewInt(int64(k)), 64)
		want.Add(want, new(big.Int).SetUint64(n))
		if got := string(appendNumber(nil, uint64(k), n)); got != want.String() {
			t.Errorf("k %d and n %d: %s, want %s", k, n, got, want)
		}
	})
}
