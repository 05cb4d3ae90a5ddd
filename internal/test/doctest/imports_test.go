// SPDX-License-Identifier: GPL-3.0-or-later

package doctest

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const module = "github.com/moonfirefs/moonfirefs"

// importRule is a row of the table of packages in design/architecture.md.
type importRule struct {
	// all says that it may import every package.
	all bool
	// allowed are folders below the root; "." is the root package.
	allowed map[string]bool
}

// importTable reads the table of packages: the folder in the first column, what it may
// import in the third. Names of libraries there are for people, and are left to the
// linter. A folder below internal is named without "internal/".
func importTable(t *testing.T) map[string]importRule {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(top, "design", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## Packages\n")
	if !found {
		t.Fatal("design/architecture.md has no section Packages")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	rows := make(map[string]importRule)
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.HasPrefix(cells[1], " `") {
			continue
		}
		folder := strings.Split(cells[1], "`")[1]
		rule := importRule{allowed: make(map[string]bool)}
		for name := range strings.SplitSeq(strings.TrimSpace(cells[3]), ",") {
			name = strings.Trim(strings.TrimSpace(name), "`")
			rule.all = rule.all || name == "all"
			if folder, ok := folderNamed(name); ok {
				rule.allowed[folder] = true
			}
		}
		rows[folder] = rule
	}
	return rows
}

// folderNamed finds the folder that a cell of the table names, if it is one of ours.
func folderNamed(name string) (folder string, ok bool) {
	if name == "root" {
		return ".", true
	}
	for _, folder := range []string{name, "internal/" + name, "internal/test/" + name} {
		if name != "" && isFolder(folder) {
			return folder, true
		}
	}
	return "", false
}

func isFolder(path string) bool {
	info, err := os.Stat(filepath.Join(top, path))
	return err == nil && info.IsDir()
}

// imports lists what the packages of the program import of each other, tests apart.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
	cmd.Dir, cmd.Stderr = top, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string][]string)
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		var own []string
		for _, path := range words[1:] {
			if folder, ok := folderOf(path); ok {
				own = append(own, folder)
			}
		}
		folder, _ := folderOf(words[0])
		all[folder] = own
	}
	return all
}

// folderOf returns the folder of a package of this module.
func folderOf(path string) (folder string, ok bool) {
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}

// row finds the row for a package: its own, or that of the nearest folder above it.
func row(rows map[string]importRule, folder string) (importRule, bool) {
	for {
		if rule, ok := rows[folder]; ok {
			return rule, true
		}
		above := filepath.Dir(folder)
		if above == "." {
			return importRule{}, false
		}
		folder = above
	}
}

// Each package has a row in design/architecture.md, and imports no other packages than
// the row says.
func TestImportsAreThoseOfTheTable(t *testing.T) {
	rows := importTable(t)
	for folder, used := range imports(t) {
		rule, ok := row(rows, folder)
		if !ok {
			t.Errorf("%s has no row in the table of packages", folder)
			continue
		}
		for _, other := range used {
			if !rule.all && !rule.allowed[other] && !strings.HasPrefix(other, folder+"/") {
				t.Errorf("%s imports %s, which its row does not have", folder, other)
			}
		}
	}
	for folder := range rows {
		if !isFolder(folder) {
			t.Errorf("the table of packages has %s, which is gone", folder)
		}
	}
}

// What the linter lets a package import is what the table says.
func TestLinterKnowsTheTable(t *testing.T) {
	rows := importTable(t)
	text, err := os.ReadFile(filepath.Join(top, ".golangci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Linters struct {
			Settings struct {
				Depguard struct {
					Rules map[string]struct {
						Mode  string   `yaml:"list-mode"`
						Files []string `yaml:"files"`
						Allow []string `yaml:"allow"`
					} `yaml:"rules"`
				} `yaml:"depguard"`
			} `yaml:"settings"`
		} `yaml:"linters"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	strict := 0
	for name, rule := range config.Linters.Settings.Depguard.Rules {
		folder, ok := strings.CutSuffix(strings.TrimPrefix(rule.Files[0], "${base-path}/"), "/*.go")
		if rule.Mode != "strict" || !ok {
			continue
		}
		strict++
		want, ok := rows[folder]
		if !ok {
			t.Errorf("the linter's rule %s is for %s, which has no row in the table", name, folder)
			continue
		}
		got := make(map[string]bool)
		for _, path := range rule.Allow {
			if folder, ok := folderOf(strings.TrimSuffix(path, "$")); ok {
				got[folder] = true
			}
		}
		if !maps.Equal(got, want.allowed) {
			t.Errorf("%s may import\n%v by the linter,\n%v by the table", folder,
				slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want.allowed)))
		}
	}
	if strict == 0 {
		t.Error("the linter has no strict rule")
	}
}
