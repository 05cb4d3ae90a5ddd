// SPDX-License-Identifier: GPL-3.0-or-later

package hostiletest

// Names that are SQL.
var hostileNames = map[string]string{
	"a path":         `'../../../../tmp/x'`,
	"a folder above": `'..'`,
	"itself":         `'.'`,
	"nothing":        `''`,
	"two lines":      `'all is well' || char(10) || 'garden'`,
	"a terminal":     `char(27) || '[2J' || char(27) || ']0;x' || char(7)`,
	"a C1 control":   `char(155) || '2J'`,
	"a NUL":          `cast(x'610062' as text)`,
	"backwards":      `char(8238) || 'gpj.exe'`,
	"not UTF-8":      `cast(x'fffe61' as text)`,
	"300 bytes":      `printf('%.300c', 'x')`,
	"megabytes":      `printf('%.20000000c', 'x')`,
	"markup":         `'<script>alert(1)</script>'`,
	"a table":        `'a' || char(9) || 'b'`,
}

var nameChanges = func() map[string]change {
	all := make(map[string]change)
	for what, value := range hostileNames {
		mayBeShown := expectation{missing: true, check: "table camera"}
		switch what {
		case "markup":
			mayBeShown.check = "characters that a file cannot have" // it has a slash
		case "megabytes":
			mayBeShown.check = "table stream"
		}
		all["a camera called "+what] = change{sql("update camera set short_name = %s where id = 1", escaped(value)), mayBeShown}
		kept := expectation{check: "table kept"}
		all["kept as "+what] = change{sql("update kept set name = %s where id = 1", escaped(value)), kept}
		described := expectation{}
		if what == "megabytes" {
			described.check = "its description"
		}
		all["described as "+what] = change{sql("update camera set description = %s where id = 1", escaped(value)), described}
		all["a directory called "+what] = change{sql("update sample_dir set path = %s", escaped(value)), expectation{unopened: true, check: "directory"}}
		address := expectation{}
		if what == "megabytes" {
			address = expectation{check: "table stream", missing: true}
		}
		all["an address of "+what] = change{sql("update stream set url = %s where id = 1", escaped(value)), address}
		asked := expectation{}
		if what == "megabytes" {
			asked.check = "table deletion"
		}
		all["deleted by "+what] = change{sql("insert into deletion values (1, 1, %s, 0, 9, 5, 1, %[1]s, 1, 0, 0)", escaped(value)), asked}
	}
	return all
}()

// escaped is SQL without verbs of formats.
func escaped(sql string) verbatim { return verbatim(sql) }

type verbatim string
