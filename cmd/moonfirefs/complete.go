// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/curate"
	"github.com/moonfirefs/moonfirefs/internal/printable"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/sample"
)

// This file is what the shell offers when somebody presses Tab. A store that cannot
// be read offers nothing: an error there would be in the way of what is typed.

// completions are candidates, each with a description behind a tab.
type completions = []cobra.Completion

// completer is the type of cobra's hooks.
type completer = func(cmd *cobra.Command, args []string, typed string) (completions, cobra.ShellCompDirective)

// fromStore offers what candidates finds in the store.
func (g *global) fromStore(candidates func(*opened) (completions, error)) completer {
	return func(cmd *cobra.Command, _ []string, typed string) (found completions, _ cobra.ShellCompDirective) {
		err := g.withStore(cmd, store.Reading, func(o *opened) (err error) {
			found, err = candidates(o)
			return err
		})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		// Two lines would be two candidates. What no shell could type is not offered.
		found = slices.DeleteFunc(found, func(c cobra.Completion) bool { return printable.Text(withoutTab(c)) != withoutTab(c) })
		return startingWith(found, typed), cobra.ShellCompDirectiveNoFileComp
	}
}

// withoutTab is a candidate without the tab before its description.
func withoutTab(c cobra.Completion) string { return strings.Replace(c, "\t", "", 1) }

// startingWith leaves out what does not begin with what was typed, in any case, as
// names may be written.
func startingWith(all completions, typed string) (fitting completions) {
	for _, c := range all {
		if len(c) >= len(typed) && strings.EqualFold(c[:len(typed)], typed) {
			fitting = append(fitting, c)
		}
	}
	return fitting
}

// only offers candidates for the first argument, and nothing for others.
func only(candidates completer) completer {
	return func(cmd *cobra.Command, args []string, typed string) (completions, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return candidates(cmd, args, typed)
	}
}

// cameraNames offers cameras, for commands about a camera with all of its streams.
func (g *global) cameraNames() completer {
	return only(g.fromStore(func(o *opened) (found completions, err error) {
		cameras, err := o.DB.Cameras(o.cmd.Context())
		for i := range cameras {
			found = append(found, cobra.CompletionWithDesc(cameras[i].ShortName, cameras[i].Description))
		}
		return found, err
	}))
}

// folderNames offers folders, for commands about footage.
func (g *global) folderNames() completer {
	return only(g.fromStore(func(o *opened) (found completions, err error) {
		cameras, err := o.DB.Cameras(o.cmd.Context())
		for i := range cameras {
			for j := range cameras[i].Streams {
				folder := cameras[i].Streams[j].FolderName(&cameras[i])
				found = append(found, cobra.CompletionWithDesc(folder, cameras[i].Description))
			}
		}
		return found, err
	}))
}

// keptNames offers what can be released.
func (g *global) keptNames() completer {
	return g.fromStore(func(o *opened) (found completions, err error) {
		all, err := curate.ListKept(o.cmd.Context(), o.DB)
		for _, k := range all {
			found = append(found, cobra.CompletionWithDesc(k.Name, k.Folder+", "+o.times(k.Interval())))
		}
		return found, err
	})
}

// dirPaths offers the directories of the store.
func (g *global) dirPaths() completer {
	return g.fromStore(func(o *opened) (found completions, err error) {
		dirs, err := o.DB.SampleDirs(o.cmd.Context())
		for _, d := range dirs {
			found = append(found, sample.ShownPath(d.Path))
		}
		return found, err
	})
}

// completeDirectories offers directories of the machine.
func completeDirectories(*cobra.Command, []string, string) (completions, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// addCompletions adds what the commands below root offer.
func addCompletions(root *cobra.Command, g *global) {
	for _, c := range []struct {
		complete completer
		commands []string
	}{
		{g.cameraNames(), []string{"camera edit", "camera remove", "camera test"}},
		{g.folderNames(), []string{"list", "keep", "export", "delete", "tier add", "tier remove"}},
		{only(completeDirectories), []string{"run", "mount", "demo", "dir add", "man"}},
		{cobra.NoFileCompletions, []string{
			"camera add", "camera list", "camera discover", "dir list", "tier list", "init", "status", "check", "test-camera", "version",
		}},
	} {
		for _, path := range c.commands {
			find(root, path).ValidArgsFunction = c.complete
		}
	}
	fixed := func(values ...cobra.Completion) completer {
		return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	}
	completeFlags(root, map[string]completer{
		"store": completeDirectories, "samples": completeDirectories,
		"log-level": fixed("debug", "info", "warn", "error"),
		"transport": fixed(string(moonfirefs.TCP), string(moonfirefs.UDP)),
		"gaps":      fixed("hold", "collapse"),
		"dir":       g.dirPaths(), "to": g.dirPaths(), "release": g.keptNames(),
	})
}

// find returns the command of a path that is known to exist.
func find(root *cobra.Command, path string) *cobra.Command {
	cmd, rest, err := root.Find(strings.Fields(path))
	if err != nil || len(rest) > 0 {
		panic("there is no command " + path)
	}
	return cmd
}

// completeFlags registers flags' values for all commands that have them.
func completeFlags(cmd *cobra.Command, flags map[string]completer) {
	for name, complete := range flags {
		if cmd.LocalFlags().Lookup(name) == nil {
			continue
		}
		if err := cmd.RegisterFlagCompletionFunc(name, complete); err != nil {
			panic(err)
		}
	}
	for _, child := range cmd.Commands() {
		completeFlags(child, flags)
	}
}
