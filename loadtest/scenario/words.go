package scenario

import (
	"math/rand/v2"
	"strings"
)

// syllables are some of English, those that are more frequent first.
var syllables = strings.Fields(`the ing er a ly ed i es re tion in e con y ter ex al de com o di en an ty
	ry u ti ri be per to pro ac ad ar ers ment or tions ble der ma na si un at dis ca`)

// words are so many letters, always the same, of which a compressor has as much to do and to gain as of what
// people write.
func words(size int) string {
	chance := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	for text.Len() < size {
		text.WriteString(syllables[min(chance.IntN(len(syllables)), chance.IntN(len(syllables)))])
	}
	return text.String()[:size]
}
