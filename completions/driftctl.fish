# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_driftctl_global_optspecs
    string join \n color= h/help V/version
end

function __fish_driftctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_driftctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_driftctl_using_subcommand
    set -l cmd (__fish_driftctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c driftctl -n "__fish_driftctl_needs_command" -l color -d 'Colour the output: when it goes to a terminal, always, or never' -r -f -a "auto\t'When the output goes to a terminal'
always\t'Always'
never\t'Never'"
complete -c driftctl -n "__fish_driftctl_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c driftctl -n "__fish_driftctl_needs_command" -s V -l version -d 'Print version'
complete -c driftctl -n "__fish_driftctl_needs_command" -f -a "completions" -d 'Write a completion script for a shell'
complete -c driftctl -n "__fish_driftctl_needs_command" -f -a "version" -d 'Print the versions of driftctl and of the Kubernetes schema inside it'
complete -c driftctl -n "__fish_driftctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c driftctl -n "__fish_driftctl_using_subcommand completions" -l color -d 'Colour the output: when it goes to a terminal, always, or never' -r -f -a "auto\t'When the output goes to a terminal'
always\t'Always'
never\t'Never'"
complete -c driftctl -n "__fish_driftctl_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c driftctl -n "__fish_driftctl_using_subcommand version" -s o -l output -d 'The format' -r -f -a "text\t'Lines to read'
json\t'One JSON object'"
complete -c driftctl -n "__fish_driftctl_using_subcommand version" -l color -d 'Colour the output: when it goes to a terminal, always, or never' -r -f -a "auto\t'When the output goes to a terminal'
always\t'Always'
never\t'Never'"
complete -c driftctl -n "__fish_driftctl_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c driftctl -n "__fish_driftctl_using_subcommand help; and not __fish_seen_subcommand_from completions version help" -f -a "completions" -d 'Write a completion script for a shell'
complete -c driftctl -n "__fish_driftctl_using_subcommand help; and not __fish_seen_subcommand_from completions version help" -f -a "version" -d 'Print the versions of driftctl and of the Kubernetes schema inside it'
complete -c driftctl -n "__fish_driftctl_using_subcommand help; and not __fish_seen_subcommand_from completions version help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
