package lime

import "unicode/utf8"

// appendQuoted appends text as a JSON string, quotes included.
func appendQuoted[S string | []byte](dst []byte, text S) []byte {
	dst = append(dst, '"')
	dst = appendEscaped(dst, text)
	return append(dst, '"')
}

// appendEscaped appends text as the body of a JSON string. What is not UTF-8
// becomes U+FFFD. Nothing is escaped that JSON lets stand.
func appendEscaped[S string | []byte](dst []byte, text S) []byte {
	plain := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(string(text[i:min(i+utf8.UTFMax, len(text))]))
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, text[plain:i]...)
				dst = utf8.AppendRune(dst, r)
				plain = i + 1
			}
			i += size
			continue
		}
		i++
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[plain:i-1]...)
		plain = i
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			const digits = "0123456789abcdef"
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	return append(dst, text[plain:]...)
}

// appendUnescaped appends what the body of a JSON string says. The scanner has
// found body to be right.
func appendUnescaped(dst, body []byte) []byte {
	s := scanner{b: body}
	for i := 0; i < len(body); {
		if body[i] != '\\' {
			dst = append(dst, body[i])
			i++
			continue
		}
		c := body[i+1]
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, next := s.hex(i)
			if 0xd800 <= r && r <= 0xdbff {
				var low rune
				low, next = s.hex(next)
				r = 0x10000 + (r-0xd800)<<10 + (low - 0xdc00)
			}
			dst = utf8.AppendRune(dst, r)
			i = next
			continue
		}
		dst = append(dst, c)
		i += 2
	}
	return dst
}
