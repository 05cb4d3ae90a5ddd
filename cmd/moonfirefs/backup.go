package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfire/internal/store"
)

func newBackupCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Make a copy of the index, also while recording goes on",
		Long: `Copies the index to FILE: one consistent state of it, verified and durable, also
while recording goes on. An earlier backup of the same store is replaced once the
new one is complete. FILE holds the cameras' passwords; only its owner can read it.

The footage is not in it. What to do with a backup is told in docs/index-backup.md.`,
		Example: `  moonfirefs backup /media/backup/moonfire-index.db`,
		Args:    asUsage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			log, err := g.logger(cmd)
			if err != nil {
				return err
			}
			s, err := store.Open(cmd.Context(), g.store, store.Reading, log)
			if err != nil {
				return err
			}
			defer closing(log, s)
			if err := s.DB.Backup(cmd.Context(), args[0]); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Copied the index to %s.\n", args[0])
			return err
		},
	}
}
