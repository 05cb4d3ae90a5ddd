// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/index"
)

// release and commit are the version of a package, such as 0.1.0, and what it was built
// from. The linker sets them: -X main.release=0.1.0. They are for people: no byte of the
// footage depends on them.
var release, commit string

// build says what a program was built from and what it runs with.
type build struct {
	Version string `json:"version"`
	// Commit is empty if it is not known. "+changes" follows it if there were some.
	Commit      string `json:"commit"`
	Go          string `json:"go"`
	OS          string `json:"os"`
	Arch        string `json:"arch"`
	Libavformat string `json:"libavformat"`
	Libavcodec  string `json:"libavcodec"`
	SQLite      string `json:"sqlite"`
}

func newVersionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of moonfirefs and its libraries",
		Example: `  moonfirefs version
  moonfirefs version --json`,
		Args: asUsage(noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := thisBuild()
			if asJSON {
				return printJSON(cmd.OutOrStdout(), b, storeIndent)
			}
			return b.print(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func thisBuild() build {
	return build{
		Version: version(), Commit: builtFrom(), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		Libavformat: camera.LibavformatVersion(), Libavcodec: camera.LibavcodecVersion(), SQLite: index.SQLiteVersion(),
	}
}

func (b build) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "moonfirefs %s\n\n", b.Version) // Flush reports
	if b.Commit != "" {
		_, _ = fmt.Fprintf(w, "commit\t%s\n", b.Commit)
	}
	_, _ = fmt.Fprintf(w, "Go\t%s, %s/%s\n", b.Go, b.OS, b.Arch)
	_, _ = fmt.Fprintf(w, "libavformat\t%s\nlibavcodec\t%s\nSQLite\t%s\n", b.Libavformat, b.Libavcodec, b.SQLite)
	return w.Flush()
}

// version is that of the package or else what the Go tool knows: the module's version,
// and the commit.
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "of unknown version"
	}
	text := info.Main.Version
	if revision := setting(info, "vcs.revision"); revision != "" {
		text += " " + revision
	}
	return text
}

// builtFrom is the commit that the package says, or else the Go tool.
func builtFrom() string {
	if commit != "" {
		return commit
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	revision := setting(info, "vcs.revision")
	if setting(info, "vcs.modified") == "true" {
		revision += "+changes"
	}
	return revision
}

// setting is what the Go tool has noted of a build, empty if nothing.
func setting(info *debug.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}
