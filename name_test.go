// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckShortName(t *testing.T) {
	for _, name := range []string{"driveway", "Back yard 2", "Küche", "front.door", "con2", "sub", "a-subway"} {
		if err := errors.Join(CheckShortName(name), CheckKeptName(name)); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{
		"", ".", "..", ".hidden", "a/b", `a\b`, "a:b", "what?", "a\x00b", "a\nb", "tail.", "tail ", " head", "-f",
		"CON", "nul.txt", "con .txt", "COM¹", "conout$", "Lpt1", "saved", "Index.html", "driveway-sub", "\xff", strings.Repeat("x", 201),
	} {
		if err := CheckShortName(name); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: got %v, want ErrInvalid", name, err)
		}
		if err := CheckKeptName(name); !errors.Is(err, ErrInvalid) && name != "driveway-sub" {
			t.Errorf("%q: got %v, want ErrInvalid for kept footage", name, err)
		}
	}
}
