package interest

import (
	"math/bits"
	"strconv"
)

// appendNumber appends k·2^64 + n in decimal digits. k is not 0.
func appendNumber(dst []byte, k, n uint64) []byte {
	const half = 1e19 // the largest power of ten below 2^64; k is below it
	high, low := bits.Div64(k, n, half)
	dst = strconv.AppendUint(dst, high, 10)
	digits := len("0000000000000000000")
	for rest := low; rest >= 10; rest /= 10 {
		digits--
	}
	for range digits - 1 {
		dst = append(dst, '0')
	}
	return strconv.AppendUint(dst, low, 10)
}
