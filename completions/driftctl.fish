complete --keep-order --exclusive --command driftctl --arguments "(COMPLETE=fish driftctl -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
