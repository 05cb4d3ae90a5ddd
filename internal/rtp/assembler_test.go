// SPDX-License-Identifier: GPL-3.0-or-later

package rtp

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// units are the NAL units of an access unit, and what is told about it.
type units struct {
	timestamp int64
	units     []string
	damaged   bool
}

func (u units) String() string { return fmt.Sprintf("%d %q %v", u.timestamp, u.units, u.damaged) }

// collect makes an assembler that collects what it delivers.
func collect(h265, don bool) (*Assembler, *[]units) {
	var all []units
	deliver := func(u *AccessUnit) error {
		collected := units{timestamp: u.Timestamp, damaged: u.Damaged}
		for _, unit := range u.Units {
			collected.units = append(collected.units, string(unit))
		}
		all = append(all, collected)
		return nil
	}
	if h265 {
		return NewH265(don, deliver), &all
	}
	return NewH264(deliver), &all
}

// TestPayloads ensures that NAL units are what they were before they were packed.
func TestPayloads(t *testing.T) {
	const gap = "gap"
	tests := map[string]struct {
		h265, don bool
		payloads  []string
		want      []string
		damaged   bool
	}{
		"single":                    {payloads: []string{"\x65abc", "\x41d"}, want: []string{"\x65abc", "\x41d"}},
		"STAP-A":                    {payloads: []string{"\x18\x00\x02\x67a\x00\x03\x68bc"}, want: []string{"\x67a", "\x68bc"}},
		"STAP-A, cut":               {payloads: []string{"\x18\x00\x02\x67a\x00\x09\x68bc"}, want: []string{"\x67a"}, damaged: true},
		"STAP-B":                    {payloads: []string{"\x19\x00\x01\x00\x02\x67a"}, want: []string{"\x67a"}},
		"FU-A":                      {payloads: []string{"\x7c\x85ab", "\x7c\x05cd", "\x7c\x45ef"}, want: []string{"\x65abcdef"}},
		"FU-A in one":               {payloads: []string{"\x7c\xc5ab"}, want: []string{"\x65ab"}},
		"FU-B":                      {payloads: []string{"\x7d\x85\x00\x01ab", "\x7c\x45cd"}, want: []string{"\x65abcd"}},
		"FU-A without its end":      {payloads: []string{"\x7c\x85ab", "\x41d"}, want: []string{"\x65ab", "\x41d"}},
		"FU-A without its middle":   {payloads: []string{"\x7c\x85ab", gap, "\x7c\x45ef", "\x41d"}, want: []string{"\x65ab", "\x41d"}, damaged: true},
		"FU-A without its start":    {payloads: []string{"\x41d", gap, "\x7c\x05cd", "\x7c\x45ef"}, want: []string{"\x41d"}, damaged: true},
		"MTAP":                      {payloads: []string{"\x1aabc", "\x41d"}, want: []string{"\x41d"}, damaged: true},
		"start codes":               {payloads: []string{"\x00\x00\x00\x01\x67a\x00\x00\x01\x68b"}, want: []string{"\x00\x00\x00\x01\x67a\x00\x00\x01\x68b"}},
		"empty":                     {payloads: []string{"", "\x41d", "\x7c"}, want: []string{"\x41d"}},
		"H.265 single":              {h265: true, payloads: []string{"\x26\x01abc"}, want: []string{"\x26\x01abc"}},
		"H.265 AP":                  {h265: true, payloads: []string{"\x60\x01\x00\x03\x40\x01a\x00\x03\x42\x01b"}, want: []string{"\x40\x01a", "\x42\x01b"}},
		"H.265 FU":                  {h265: true, payloads: []string{"\x62\x01\x93ab", "\x62\x01\x13cd", "\x62\x01\x53ef"}, want: []string{"\x26\x01abcdef"}},
		"H.265 FU without a start":  {h265: true, payloads: []string{"\x62\x01\x13cd", "\x02\x01d"}, want: []string{"\x02\x01d"}, damaged: true},
		"H.265 single, with DON":    {h265: true, don: true, payloads: []string{"\x26\x01\x00\x05abc"}, want: []string{"\x26\x01abc"}},
		"H.265 AP, with DON":        {h265: true, don: true, payloads: []string{"\x60\x01\x00\x07\x00\x03\x40\x01a\x00\x00\x03\x42\x01b"}, want: []string{"\x40\x01a", "\x42\x01b"}},
		"H.265 FU, with DON":        {h265: true, don: true, payloads: []string{"\x62\x01\x93\x00\x01ab", "\x62\x01\x13cd"}, want: []string{"\x26\x01abcd"}},
		"H.265 PACI and less":       {h265: true, payloads: []string{"\x64\x01abc", "\x62", "\x62\x01", "\x02\x01d"}, want: []string{"\x02\x01d"}, damaged: true},
		"H.265 keeps the layer bit": {h265: true, payloads: []string{"\x63\x09\xd3ab"}, want: []string{"\x27\x09ab"}},
	}
	for name, test := range tests {
		a, got := collect(test.h265, test.don)
		missing := false
		for i, payload := range test.payloads {
			if payload == gap {
				missing = true
				continue
			}
			if err := a.Add(&Packet{Payload: []byte(payload), Gap: missing, Marker: i == len(test.payloads)-1}); err != nil {
				t.Fatal(err)
			}
			missing = false
		}
		if err := a.End(); err != nil {
			t.Fatal(err)
		}
		if len(*got) != 1 || !slices.Equal((*got)[0].units, test.want) || (*got)[0].damaged != test.damaged {
			t.Errorf("%s: got %v, want %q, damaged %v", name, *got, test.want, test.damaged)
		}
	}
}

// TestAccessUnits ensures that an access unit ends with the next one, and before that
// with the marker, where the marker can be trusted.
func TestAccessUnits(t *testing.T) {
	tests := map[string]struct {
		// Packets are a time stamp and a payload, with a ! for the marker; "." is where
		// nothing else has arrived, "x" the end.
		script string
		// | is behind what was complete before the next one began.
		want string
	}{
		"by time":            {"1a 1b . 2c . 3d", "1[a b] 2[c]"},
		"by the marker":      {"1a! 2b! . 3c 3d! . 4e . 4f! .", "1[a] 2[b] 3[c d] | 4[e f] |"},
		"not at once":        {"1a! . 2b! . 3c! .", "1[a] 2[b] 3[c] |"},
		"in each packet":     {"1a! 1b! 2c! 2d! . 3e! . 3f! 4g! .", "1[a b] 2[c d] 3[e f]"},
		"one too many":       {"1a! 2b! 3c! . 3d! . 4e! . 5f! .", "1[a] 2[b] 3[c] | 3[d] 4[e]"},
		"the end":            {"1a! . x", "1[a]"},
		"the end without it": {"1a! 2b . x", "1[a]"},
		"missing once":       {"1a! 2b! 3c . 4d! . 5e! 6f! .", "1[a] 2[b] 3[c] 4[d] 5[e] 6[f] |"},
	}
	for name, test := range tests {
		a, all := collect(false, false)
		var told []string
		shown := 0
		show := func() {
			for ; shown < len(*all); shown++ {
				told = append(told, fmt.Sprintf("%d[%s]", (*all)[shown].timestamp, strings.Join((*all)[shown].units, " ")))
			}
		}
		for word := range strings.FieldsSeq(test.script) {
			var err error
			switch word {
			case ".":
				show()
				before := shown
				err = a.Settle()
				show()
				if shown > before {
					told = append(told, "|")
				}
			case "x":
				err = a.End()
				show()
			default:
				payload := strings.TrimSuffix(word[1:], "!")
				err = a.Add(&Packet{Timestamp: int64(word[0] - '0'), Payload: []byte(payload), Marker: payload != word[1:]})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		show()
		if got := strings.Join(told, " "); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

// TestAssemblerBounds ensures that an access unit without an end is refused before it
// fills the memory, however it is made up.
func TestAssemblerBounds(t *testing.T) {
	for name, payload := range map[string][]byte{
		"fragments": append([]byte{0x7c, 0x05}, make([]byte, 1400)...),
		"units":     {0x41},
		"in one":    append([]byte{0x18}, bytes.Repeat([]byte{0, 1, 0x41}, 20_000)...),
	} {
		a, _ := collect(false, false)
		reserved := 0
		a.Reserve(func(sizeBytes int) error {
			reserved += sizeBytes
			return nil
		})
		if err := a.Add(&Packet{Payload: []byte{0x7c, 0x85, 1}}); err != nil {
			t.Fatal(err)
		}
		var err error
		for range MaxAccessUnitBytes {
			if err = a.Add(&Packet{Payload: payload}); err != nil {
				break
			}
		}
		if err == nil || cap(a.data) > MaxAccessUnitBytes || len(a.starts) > MaxUnits {
			t.Errorf("%s: %d bytes and %d NAL units are held, error %v", name, cap(a.data), len(a.starts), err)
		}
		if cap(a.data) > keptBytes && reserved != cap(a.data) {
			t.Errorf("%s: %d bytes are held, %d reserved", name, cap(a.data), reserved)
		}
	}
}

// TestAssemblerReserves ensures that large access units are not taken without the memory for
// them, that it is released with them, and that small ones ask for none.
func TestAssemblerReserves(t *testing.T) {
	errNone := errors.New("no memory")
	left := 3 * keptBytes
	a, got := collect(false, false)
	a.Reserve(func(sizeBytes int) error {
		if sizeBytes > left {
			return errNone
		}
		left -= sizeBytes
		return nil
	})
	add := func(timestamp int64, sizeBytes int) (err error) {
		for range sizeBytes / 1000 {
			if err == nil {
				err = a.Add(&Packet{Timestamp: timestamp, Payload: append([]byte{0x41}, make([]byte, 999)...)})
			}
		}
		return err
	}
	if err := add(1, keptBytes/2); err != nil || left != 3*keptBytes {
		t.Errorf("a small one: %v, %d left", err, left)
	}
	if err := add(2, keptBytes*3/2); err != nil || left != keptBytes {
		t.Errorf("a large one: %v, %d left", err, left)
	}
	if err := add(3, 1000); err != nil || left != 3*keptBytes || len(*got) != 2 {
		t.Errorf("behind it: %v, %d left, %d access units", err, left, len(*got))
	}
	if err := add(3, 3*keptBytes); !errors.Is(err, errNone) {
		t.Errorf("one for which there is no memory: %v", err)
	}
}

// FuzzJPEG: whatever payloads come, an access unit is one file of JPEG or none, and is not
// much longer than what was sent.
func FuzzJPEG(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x01\x32\x28\x16abc"), []byte("\x00\x00\x00\x03\x01\x32\x28\x16def"), true)
	f.Add([]byte("\x00\x00\x00\x00\x01\xff\x28\x16\x00\x00\x00\x40"+strings.Repeat("q", 64)+"abc"), []byte("x"), false)
	f.Fuzz(func(t *testing.T, first, second []byte, marker bool) {
		const headers = 1000
		a := NewJPEG(func(u *AccessUnit) error {
			if len(u.Units) > 2 || len(u.Units) > 0 && (!bytes.HasPrefix(u.Units[0], []byte{0xff, 0xd8}) || len(u.Units[0]) > headers+len(first)+len(second)) {
				t.Fatalf("%d units, %x", len(u.Units), u.Units)
			}
			return nil
		})
		for n, payload := range [][]byte{first, second, first} {
			if err := a.Add(&Packet{Timestamp: int64(n / 2), Payload: payload, Marker: marker || n > 0}); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.End(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestAV1Payloads ensures that OBUs are what they were before they were packed.
func TestAV1Payloads(t *testing.T) {
	const gap = "gap"
	tests := map[string]struct {
		payloads []string
		want     []string
		damaged  bool
	}{
		"one":                        {payloads: []string{"\x10\x30abc"}, want: []string{"\x30abc"}},
		"sizes of all":               {payloads: []string{"\x08\x02\x08a\x03\x30bc"}, want: []string{"\x08a", "\x30bc"}},
		"two, the last without size": {payloads: []string{"\x28\x02\x08a\x30bc"}, want: []string{"\x08a", "\x30bc"}},
		"three":                      {payloads: []string{"\x38\x02\x08a\x02\x28b\x30c"}, want: []string{"\x08a", "\x28b", "\x30c"}},
		"fragments":                  {payloads: []string{"\x50\x30abc", "\xd0def", "\x90ghi"}, want: []string{"\x30abcdefghi"}},
		"a fragment behind another":  {payloads: []string{"\x68\x02\x08a\x30b", "\xa0\x01c\x30d"}, want: []string{"\x08a", "\x30bc", "\x30d"}},
		"without its end":            {payloads: []string{"\x50\x30abc", "\x10\x30d"}, want: []string{"\x30abc", "\x30d"}, damaged: true},
		"without its middle":         {payloads: []string{"\x50\x30abc", gap, "\x90ghi", "\x10\x30d"}, want: []string{"\x30abc", "\x30d"}, damaged: true},
		"without its beginning":      {payloads: []string{"\xd0def", "\x90ghi", "\x10\x30d"}, want: []string{"\x30d"}, damaged: true},
		"cut":                        {payloads: []string{"\x00\x09\x30abc", "\x10\x30d"}, want: []string{"\x30d"}, damaged: true},
		"no end of a size":           {payloads: []string{"\x00\xff\xff", "\x10\x30d"}, want: []string{"\x30d"}, damaged: true},
		"empty":                      {payloads: []string{"", "\x00", "\x10\x30d"}, want: []string{"\x30d"}},
	}
	for name, test := range tests {
		var got []string
		damaged, lost := false, false
		a := NewAV1(func(u *AccessUnit) error {
			for _, unit := range u.Units {
				got = append(got, string(unit))
			}
			damaged = damaged || u.Damaged
			return nil
		})
		for _, payload := range test.payloads {
			if payload == gap {
				lost = true
				continue
			}
			if err := a.Add(&Packet{Timestamp: 1, Payload: []byte(payload), Gap: lost}); err != nil {
				t.Fatal(err)
			}
			lost = false
		}
		if err := a.Add(&Packet{Timestamp: 2}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, test.want) || damaged != test.damaged {
			t.Errorf("%s: got %q, damaged %v; want %q", name, got, damaged, test.want)
		}
	}
}

// FuzzAssembler: whatever payloads come, no byte is made up: each NAL unit is made of
// bytes that were sent, behind a header, and access units are delivered with the time
// stamps of their packets.
func FuzzAssembler(f *testing.F) {
	f.Add([]byte("\x00\x05\x7c\x85abc\x00\x05\x7c\x45def\x03\x02\x41z"), false, false)
	f.Add([]byte("\x02\x06\x60\x01\x00\x02ab\x81\x04\x62\x01\x93q"), true, true)
	f.Add([]byte("\x00\x05\x50\x30abc\x00\x04\xd0def\x06\x06\x28\x02\x08a\x30b"), false, true)
	f.Fuzz(func(t *testing.T, script []byte, h265, don bool) {
		sent, delivered := 0, 0
		timestamp := int64(0)
		deliver := func(u *AccessUnit) error {
			for _, unit := range u.Units {
				delivered += len(unit)
			}
			if u.Timestamp > timestamp {
				t.Fatalf("an access unit at %d before there were packets of it", u.Timestamp)
			}
			return nil
		}
		a := NewH264(deliver)
		switch {
		case h265:
			a = NewH265(don, deliver)
		case don:
			a = NewAV1(deliver)
		}
		for len(script) >= 2 {
			flags, size := script[0], min(int(script[1]), len(script)-2)
			timestamp += int64(flags & 3)
			payload := script[2 : 2+size]
			script = script[2+size:]
			sent += len(payload)
			if err := a.Add(&Packet{Timestamp: timestamp, Payload: payload, Marker: flags&4 != 0, Gap: flags&8 != 0}); err != nil {
				t.Fatal(err)
			}
			if flags&16 != 0 {
				if err := a.Settle(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := a.End(); err != nil {
			t.Fatal(err)
		}
		if delivered > sent {
			t.Fatalf("%d bytes were sent and %d delivered", sent, delivered)
		}
	})
}

// FuzzAAC: whatever comes, the access units are pieces of what was sent.
func FuzzAAC(f *testing.F) {
	f.Add([]byte("\x00\x10\x00\x18abc"), 13, 3, 3, true)
	f.Add([]byte("\x00\x20\x00\x18\x00\x10abcde"), 13, 3, 3, false)
	f.Add([]byte("\x00\x00abcde"), 13, 3, 3, false)
	f.Fuzz(func(t *testing.T, payload []byte, size, index, delta int, gap bool) {
		d := &AAC{SizeBits: 1 + size&31, IndexBits: index & 31, DeltaBits: delta & 31}
		total := 0
		for range 3 {
			d.Add(&Packet{Payload: payload, Gap: gap, Marker: size&32 != 0}, func(unit, _ []byte) { total += len(unit) })
		}
		if total > 3*len(payload) || len(d.fragment) > MaxAACBytes {
			t.Fatalf("%d bytes out of %d, %d kept", total, len(payload), len(d.fragment))
		}
	})
}

// TestAAC ensures that access units are what they were before they were packed.
func TestAAC(t *testing.T) {
	adts := "\xff\xf1\x60\x40\x01\x40\xfcabc" // 10 bytes
	tests := map[string]struct {
		payloads []string // those that begin with "M" have the marker
		want     []string
	}{
		"no headers": {[]string{"M\x00\x00abc", "M\x00\x00", "M\x00\x00de"}, []string{"abc", "de"}},
		"too large":  {[]string{"M\x00\x10\x00\x28abc", "M\x00\x10\x00\x28de", "M\x00\x10\x00\x10fg"}, []string{"abc", "de", "fg"}},
		"too large, in two packets": {
			[]string{"\x00\x10\x00\x38abc", "M\x00\x10\x00\x38de", "M\x00\x10\x00\x10fg"}, []string{"abcde", "fg"},
		},
		"too small":         {[]string{"M\x00\x10\x00\x10abc", "M\x00\x10\x00\x08de"}, []string{"ab", "d"}},
		"nothing":           {[]string{"M\x00\x10\x00\x00abc", "M\x00\x10\x00\x10fg"}, []string{"abc", "fg"}},
		"fragments, marked": {[]string{"\x00\x10\x00\x28abc", "M\x00\x10\x00\x28de"}, []string{"abcde"}},
		"one":               {[]string{"\x00\x10\x00\x18abc"}, []string{"abc"}},
		"three":             {[]string{"\x00\x30\x00\x18\x00\x08\x00\x10abcdef"}, []string{"abc", "d", "ef"}},
		"fragments":         {[]string{"\x00\x10\x00\x28abc", "\x00\x10\x00\x28de"}, []string{"abcde"}},
		"cut":               {[]string{"\x00\x20\x00\x18\x00\x18abcde"}, []string{"abc"}},
		"no header":         {[]string{"\x00\x00abc", "\x00", "\xff\xffab"}, nil},
		"lost":              {[]string{"\x00\x10\x00\x28abc", "gap", "\x00\x10\x00\x18xyz"}, []string{"xyz"}},
		"with ADTS":         {[]string{"\x00\x10\x00\x50" + adts}, []string{"abc"}},
		"looks like":        {[]string{"\x00\x10\x00\x58" + adts + "d"}, []string{adts + "d"}},
	}
	for name, test := range tests {
		d := &AAC{SizeBits: 13, IndexBits: 3, DeltaBits: 3}
		var got []string
		for _, payload := range test.payloads {
			if payload == "gap" {
				d.Add(&Packet{Gap: true}, nil)
				continue
			}
			payload, marked := strings.CutPrefix(payload, "M")
			d.Add(&Packet{Payload: []byte(payload), Marker: marked}, func(unit, config []byte) {
				got = append(got, string(unit))
				if isADTS := name == "with ADTS"; isADTS != (string(config) == "\x14\x08") {
					t.Errorf("%s: configuration %x", name, config)
				}
			})
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}
