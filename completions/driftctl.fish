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
complete -c driftctl -n "__fish_driftctl_needs_command" -f -a "diff" -d 'Compare manifests with a cluster and report what drifted'
complete -c driftctl -n "__fish_driftctl_needs_command" -f -a "explain" -d 'Tell why a field of an object is drift, or why it is not'
complete -c driftctl -n "__fish_driftctl_needs_command" -f -a "revert" -d 'Make live objects what their manifests declare, field by field'
complete -c driftctl -n "__fish_driftctl_needs_command" -f -a "rules" -d 'List the rules, and where each is written'
complete -c driftctl -n "__fish_driftctl_needs_command" -f -a "accept" -d 'Record today\'s drift as accepted, until it changes or expires'
complete -c driftctl -n "__fish_driftctl_needs_command" -f -a "debt" -d 'List accepted drift and how long it is accepted for; fails when something is overdue'
complete -c driftctl -n "__fish_driftctl_needs_command" -f -a "ignore" -d 'Add a rule to .driftctl.yaml that ignores drift'
complete -c driftctl -n "__fish_driftctl_needs_command" -f -a "init" -d 'Write a .driftctl.yaml in which everything is explained'
complete -c driftctl -n "__fish_driftctl_needs_command" -f -a "schema" -d 'Print the JSON Schema of what driftctl writes or reads'
complete -c driftctl -n "__fish_driftctl_needs_command" -f -a "doctor" -d 'Check connection, version, kinds and rights, and print the Roles that are missing'
complete -c driftctl -n "__fish_driftctl_needs_command" -f -a "snapshot" -d 'Write down what a diff would read, to look at it again later or elsewhere'
complete -c driftctl -n "__fish_driftctl_needs_command" -f -a "completions" -d 'Write a completion script for a shell'
complete -c driftctl -n "__fish_driftctl_needs_command" -f -a "version" -d 'Print the versions of driftctl and of the Kubernetes schema inside it'
complete -c driftctl -n "__fish_driftctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l app -d 'Compare what the Argo CD Applications and ApplicationSets in this file declare' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l destination -d 'Of a repository for several clusters compare what is declared for this one' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l clusters -d 'Expand the clusters generator of ApplicationSets with the clusters in this file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l kustomization -d 'Compare what the Flux Kustomizations in this file declare' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l repo-root -d 'Let the paths in Applications and Kustomizations start in this folder' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l ref -d 'Read the paths as they are in Git at this revision instead of in the work tree' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l base -d 'Compare with this base too, and tell the branch\'s changes from those made live' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l kustomize-bin -d 'Render kustomizations with this program: kustomize, or a kubectl' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l helm-bin -d 'Render charts with this helm, instead of the one on the PATH' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l values -d 'Render charts with the values in this file; of several, the last wins' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l set -d 'Render charts with this value: image.tag=1.4' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l set-string -d 'Render charts with this value, which is a text whatever it looks like: image.tag=007' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l release -d 'Render charts as a release of this name, instead of the chart\'s own' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l load-restrictor -d 'Let kustomizations and charts use files from outside their folder (none), or not (root-only)' -r -f -a "root-only\t'Files must lie in the kustomization\'s folder or below'
none\t'Files may lie anywhere'"
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l render-timeout -d 'End a renderer after so many seconds' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l allow-namespace -d 'Refuse objects outside this namespace; nothing is read of them' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l allow-kind -d 'Refuse objects of other kinds: deploy, Deployment, deployments.apps' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l live -d 'Read live objects from a file, a folder, or standard input (-) instead of a cluster' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l kubeconfig -d 'Read the connection from this kubeconfig file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l context -d 'Use this context of the kubeconfig instead of its current one' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l request-timeout -d 'Give up a request after so many seconds' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l timeout -d 'Stop reading after so many seconds, and report what was read as incomplete' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l concurrency -d 'Keep at most so many requests under way' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -s n -l namespace -d 'Compare within this namespace' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -s l -l selector -d 'Look only at objects with such labels: app=cart,tier!=db,env in (a,b),!legacy' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l kind -d 'Look only at objects of this kind: deploy, Deployment, deployments.apps' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l extra -d 'Also report live objects that no manifest declares' -r -f -a "none\t'Nowhere'
namespace\t'In the namespaces of the declared objects'
managed\t'Only what Argo CD tracks, Flux has in its inventory or Helm marks as its release\'s, for what --app, --kustomization or helm:NAMESPACE/RELEASE names'"
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l field-manager -d 'Name a field manager that applies these manifests' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l audit-log -d 'Read who wrote what from an audit log of the API server' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l fail-on -d 'Exit with 1 when any of these was found' -r -f -a "drift\t'Any difference: fields that drifted, objects that are missing or extra; with --base, what was changed live and what the branch does not change'
conflict\t'With --base: changes of the branch that overwrite changes made live'
pending\t'With --base: what only the branch changes'
missing\t'Declared objects that are not live'
extra\t'Live objects that nobody declares'
unknown\t'What could not be compared, and nothing else; that exits with 2 whatever is named'
any\t'Everything that is reported'
low\t'Drift of low severity and above'
medium\t'Drift of medium severity and above'
high\t'Drift of high severity and above'
critical\t'Drift of critical severity'"
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l max-missing -d 'Stop with 2 when more than so many declared objects are missing' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l max-extra -d 'Stop with 2 when more than so many live objects are declared nowhere' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l config -d 'Read rules from this file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l baseline -d 'Read accepted drift from this file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l argocd-cm -d 'Take over what Argo CD ignores everywhere: its ConfigMap argocd-cm, from a file or (live) from the cluster' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -s o -l output -d 'Write the report in this format, to standard output or to a file' -r -f -a "text\t'For reading, in colour on a terminal'
diff\t'A unified diff of YAML, declared against live, object by object'
json\t'One JSON document for other programs, versioned (driftctl.report/v1)'
yaml\t'The same document as YAML'
name\t'One Kind.group/namespace/name for each object that drifted, is missing, extra or in conflict; # begins a comment'
markdown\t'A comment on a pull request: verdict and table, details folded'
github\t'Annotations for GitHub Actions, at the lines of the manifests'
gitlab\t'A Code Quality report for GitLab merge requests'
sarif\t'SARIF 2.1.0 for code scanning'
junit\t'JUnit XML: each object a test, drift a failure, what was not compared an error'
prometheus\t'Metrics for Prometheus (textfile collector, push gateway)'
html\t'One self-contained page with side-by-side diffs and filters, without script'"
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l show -d 'List drift, also what rules ignore, or everything with its explanation' -r -f -a "drift\t'What counts as drift'
ignored\t'Also what rules ignore'
all\t'Also what is in sync, and what is explained and why'"
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l redact -d 'Mask the values at this path too, below it as well, in every object or in those of a kind' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l color -d 'Colour the output: when it goes to a terminal, always, or never' -r -f -a "auto\t'When the output goes to a terminal'
always\t'Always'
never\t'Never'"
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l plain -d 'Read the files of folders as they lie, and do not follow Kustomizations and Applications'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l target-revision -d 'Read Applications and Kustomizations at the revision that they ask for'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l blame -d 'Say which commit last touched each line that drifted, by whom and when'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l no-render -d 'Read kustomizations and charts as plain files instead of rendering them'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l render -d 'Render kustomizations and charts with --untrusted too, which renders nothing otherwise'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l no-sandbox -d 'Run renderers without Linux namespaces of their own'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l allow-remote -d 'Let renderers fetch from other machines, which is refused otherwise'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l untrusted -d 'Do not trust whoever wrote the manifests: for pull requests from outside'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -s A -l all-namespaces -d 'Look in all namespaces, whatever --namespace and the context say'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l server-dry-run -d 'Ask the server what applying would change, so that webhooks and conversions are exact'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l strict-fields -d 'Report declared fields that their type does not have as drift'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l allow-empty -d 'Accept that no object is found'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l exit-zero -d 'Exit with 0 although there is drift'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l no-config -d 'Use built-in rules only; look for no .driftctl.yaml and no baseline'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l strict-rules -d 'Take what is to be said of rules for errors: rules that hid nothing, are expired, or have no reason'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l show-secrets -d 'Show secret values as they are'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -s v -l verbose -d 'Show long values in full, and name each file and document that was skipped'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -s q -l quiet -d 'Print errors only; the exit code is the answer'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l app -d 'Compare what the Argo CD Applications and ApplicationSets in this file declare' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l destination -d 'Of a repository for several clusters compare what is declared for this one' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l clusters -d 'Expand the clusters generator of ApplicationSets with the clusters in this file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l kustomization -d 'Compare what the Flux Kustomizations in this file declare' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l repo-root -d 'Let the paths in Applications and Kustomizations start in this folder' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l ref -d 'Read the paths as they are in Git at this revision instead of in the work tree' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l base -d 'Compare with this base too, and tell the branch\'s changes from those made live' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l kustomize-bin -d 'Render kustomizations with this program: kustomize, or a kubectl' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l helm-bin -d 'Render charts with this helm, instead of the one on the PATH' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l values -d 'Render charts with the values in this file; of several, the last wins' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l set -d 'Render charts with this value: image.tag=1.4' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l set-string -d 'Render charts with this value, which is a text whatever it looks like: image.tag=007' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l release -d 'Render charts as a release of this name, instead of the chart\'s own' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l load-restrictor -d 'Let kustomizations and charts use files from outside their folder (none), or not (root-only)' -r -f -a "root-only\t'Files must lie in the kustomization\'s folder or below'
none\t'Files may lie anywhere'"
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l render-timeout -d 'End a renderer after so many seconds' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l allow-namespace -d 'Refuse objects outside this namespace; nothing is read of them' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l allow-kind -d 'Refuse objects of other kinds: deploy, Deployment, deployments.apps' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l live -d 'Read live objects from a file, a folder, or standard input (-) instead of a cluster' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l kubeconfig -d 'Read the connection from this kubeconfig file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l context -d 'Use this context of the kubeconfig instead of its current one' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l request-timeout -d 'Give up a request after so many seconds' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l timeout -d 'Stop reading after so many seconds, and report what was read as incomplete' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l concurrency -d 'Keep at most so many requests under way' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -s n -l namespace -d 'Compare within this namespace' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -s l -l selector -d 'Look only at objects with such labels: app=cart,tier!=db,env in (a,b),!legacy' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l kind -d 'Look only at objects of this kind: deploy, Deployment, deployments.apps' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l extra -d 'Also report live objects that no manifest declares' -r -f -a "none\t'Nowhere'
namespace\t'In the namespaces of the declared objects'
managed\t'Only what Argo CD tracks, Flux has in its inventory or Helm marks as its release\'s, for what --app, --kustomization or helm:NAMESPACE/RELEASE names'"
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l field-manager -d 'Name a field manager that applies these manifests' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l audit-log -d 'Read who wrote what from an audit log of the API server' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l config -d 'Read rules from this file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l baseline -d 'Read accepted drift from this file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l argocd-cm -d 'Take over what Argo CD ignores everywhere: its ConfigMap argocd-cm, from a file or (live) from the cluster' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -s o -l output -d 'Write text to read, or a document for other programs' -r -f -a "text\t'For reading'
json\t'One JSON document, versioned (driftctl.explanation/v1)'
yaml\t'The same document as YAML'"
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l redact -d 'Mask the values at this path too, below it as well, in every object or in those of a kind' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l color -d 'Colour the output: when it goes to a terminal, always, or never' -r -f -a "auto\t'When the output goes to a terminal'
always\t'Always'
never\t'Never'"
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l plain -d 'Read the files of folders as they lie, and do not follow Kustomizations and Applications'
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l target-revision -d 'Read Applications and Kustomizations at the revision that they ask for'
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l blame -d 'Say which commit last touched each line that drifted, by whom and when'
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l no-render -d 'Read kustomizations and charts as plain files instead of rendering them'
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l render -d 'Render kustomizations and charts with --untrusted too, which renders nothing otherwise'
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l no-sandbox -d 'Run renderers without Linux namespaces of their own'
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l allow-remote -d 'Let renderers fetch from other machines, which is refused otherwise'
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l untrusted -d 'Do not trust whoever wrote the manifests: for pull requests from outside'
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -s A -l all-namespaces -d 'Look in all namespaces, whatever --namespace and the context say'
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l server-dry-run -d 'Ask the server what applying would change, so that webhooks and conversions are exact'
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l strict-fields -d 'Report declared fields that their type does not have as drift'
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l allow-empty -d 'Accept that no object is found'
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l no-config -d 'Use built-in rules only; look for no .driftctl.yaml and no baseline'
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -l strict-rules -d 'Take what is to be said of rules for errors: rules that hid nothing, are expired, or have no reason'
complete -c driftctl -n "__fish_driftctl_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l max-delete -d 'Refuse to delete more objects' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l max-objects -d 'Refuse to write to more objects' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l include -d 'Also undo changes of this cause, in which Git is ahead of the cluster: that deploys them' -r -f -a "unapplied\t'The manifest says otherwise since the last apply'
dropped\t'The manifest no longer declares it since the last apply'"
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l to -d 'Go back to what this Git revision declared: --ref REVISION --include unapplied,dropped' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l field-manager -d 'Write under this name instead of the name of whoever applies the object' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l undo -d 'Take an earlier revert back: the last one of this cluster, or the one of this name' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -s o -l output -d 'The format' -r -f -a "text\t'Lines to read'
json\t'One JSON document (driftctl.plan/v1)'"
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l extra -d 'Also report live objects that no manifest declares, for --prune' -r -f -a "none\t'Nowhere'
namespace\t'In the namespaces of the declared objects'
managed\t'Only what Argo CD tracks, Flux has in its inventory or Helm marks as its release\'s, for what --app, --kustomization or helm:NAMESPACE/RELEASE names'"
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l audit-log -d 'Read who wrote what from an audit log of the API server' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l object -d 'Only drift of this object (* is a wildcard in the name)' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l path -d 'Only drift at these paths, with wildcards as in rules; may be given several times' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l app -d 'Compare what the Argo CD Applications and ApplicationSets in this file declare' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l destination -d 'Of a repository for several clusters compare what is declared for this one' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l clusters -d 'Expand the clusters generator of ApplicationSets with the clusters in this file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l kustomization -d 'Compare what the Flux Kustomizations in this file declare' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l repo-root -d 'Let the paths in Applications and Kustomizations start in this folder' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l ref -d 'Read the paths as they are in Git at this revision instead of in the work tree' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l base -d 'Compare with this base too, and tell the branch\'s changes from those made live' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l kustomize-bin -d 'Render kustomizations with this program: kustomize, or a kubectl' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l helm-bin -d 'Render charts with this helm, instead of the one on the PATH' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l values -d 'Render charts with the values in this file; of several, the last wins' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l set -d 'Render charts with this value: image.tag=1.4' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l set-string -d 'Render charts with this value, which is a text whatever it looks like: image.tag=007' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l release -d 'Render charts as a release of this name, instead of the chart\'s own' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l load-restrictor -d 'Let kustomizations and charts use files from outside their folder (none), or not (root-only)' -r -f -a "root-only\t'Files must lie in the kustomization\'s folder or below'
none\t'Files may lie anywhere'"
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l render-timeout -d 'End a renderer after so many seconds' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l allow-namespace -d 'Refuse objects outside this namespace; nothing is read of them' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l allow-kind -d 'Refuse objects of other kinds: deploy, Deployment, deployments.apps' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l live -d 'Read live objects from a file, a folder, or standard input (-) instead of a cluster' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l kubeconfig -d 'Read the connection from this kubeconfig file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l context -d 'Use this context of the kubeconfig instead of its current one' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l request-timeout -d 'Give up a request after so many seconds' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l timeout -d 'Stop reading after so many seconds, and report what was read as incomplete' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l concurrency -d 'Keep at most so many requests under way' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -s n -l namespace -d 'Compare within this namespace' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -s l -l selector -d 'Look only at objects with such labels: app=cart,tier!=db,env in (a,b),!legacy' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l kind -d 'Look only at objects of this kind: deploy, Deployment, deployments.apps' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l config -d 'Read rules from this file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l baseline -d 'Read accepted drift from this file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l argocd-cm -d 'Take over what Argo CD ignores everywhere: its ConfigMap argocd-cm, from a file or (live) from the cluster' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l color -d 'Colour the output: when it goes to a terminal, always, or never' -r -f -a "auto\t'When the output goes to a terminal'
always\t'Always'
never\t'Never'"
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l dry-run -d 'Show what would be done and ask the server whether it would (dryRun=All); change nothing'
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -s y -l yes -d 'Do it without a question'
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l all -d 'Undo all drift that is found'
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l create -d 'Also create objects that are missing'
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l prune -d 'Also delete the objects that --extra finds'
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l keep-going -d 'Go on with the other objects when one is refused'
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l skip-dry-run -d 'Do not ask the server first whether it would accept the changes'
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l no-event -d 'Write no Event on the objects'
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l list-undo -d 'List the reverts that can be taken back'
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l plain -d 'Read the files of folders as they lie, and do not follow Kustomizations and Applications'
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l target-revision -d 'Read Applications and Kustomizations at the revision that they ask for'
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l blame -d 'Say which commit last touched each line that drifted, by whom and when'
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l no-render -d 'Read kustomizations and charts as plain files instead of rendering them'
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l render -d 'Render kustomizations and charts with --untrusted too, which renders nothing otherwise'
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l no-sandbox -d 'Run renderers without Linux namespaces of their own'
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l allow-remote -d 'Let renderers fetch from other machines, which is refused otherwise'
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l untrusted -d 'Do not trust whoever wrote the manifests: for pull requests from outside'
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -s A -l all-namespaces -d 'Look in all namespaces, whatever --namespace and the context say'
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l no-config -d 'Use built-in rules only; look for no .driftctl.yaml and no baseline'
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -l strict-rules -d 'Take what is to be said of rules for errors: rules that hid nothing, are expired, or have no reason'
complete -c driftctl -n "__fish_driftctl_using_subcommand revert" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l app -d 'Compare what the Argo CD Applications and ApplicationSets in this file declare' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l destination -d 'Of a repository for several clusters compare what is declared for this one' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l clusters -d 'Expand the clusters generator of ApplicationSets with the clusters in this file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l kustomization -d 'Compare what the Flux Kustomizations in this file declare' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l repo-root -d 'Let the paths in Applications and Kustomizations start in this folder' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l ref -d 'Read the paths as they are in Git at this revision instead of in the work tree' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l base -d 'Compare with this base too, and tell the branch\'s changes from those made live' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l kustomize-bin -d 'Render kustomizations with this program: kustomize, or a kubectl' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l helm-bin -d 'Render charts with this helm, instead of the one on the PATH' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l values -d 'Render charts with the values in this file; of several, the last wins' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l set -d 'Render charts with this value: image.tag=1.4' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l set-string -d 'Render charts with this value, which is a text whatever it looks like: image.tag=007' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l release -d 'Render charts as a release of this name, instead of the chart\'s own' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l load-restrictor -d 'Let kustomizations and charts use files from outside their folder (none), or not (root-only)' -r -f -a "root-only\t'Files must lie in the kustomization\'s folder or below'
none\t'Files may lie anywhere'"
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l render-timeout -d 'End a renderer after so many seconds' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l allow-namespace -d 'Refuse objects outside this namespace; nothing is read of them' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l allow-kind -d 'Refuse objects of other kinds: deploy, Deployment, deployments.apps' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l config -d 'Read rules from this file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l baseline -d 'Read accepted drift from this file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l argocd-cm -d 'Take over what Argo CD ignores everywhere: its ConfigMap argocd-cm, from a file or (live) from the cluster' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -s o -l output -d 'The format' -r -f -a "text\t'Lines to read'
json\t'One JSON document'
yaml\t'The schema of .driftctl.yaml'"
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l color -d 'Colour the output: when it goes to a terminal, always, or never' -r -f -a "auto\t'When the output goes to a terminal'
always\t'Always'
never\t'Never'"
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l plain -d 'Read the files of folders as they lie, and do not follow Kustomizations and Applications'
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l target-revision -d 'Read Applications and Kustomizations at the revision that they ask for'
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l blame -d 'Say which commit last touched each line that drifted, by whom and when'
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l no-render -d 'Read kustomizations and charts as plain files instead of rendering them'
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l render -d 'Render kustomizations and charts with --untrusted too, which renders nothing otherwise'
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l no-sandbox -d 'Run renderers without Linux namespaces of their own'
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l allow-remote -d 'Let renderers fetch from other machines, which is refused otherwise'
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l untrusted -d 'Do not trust whoever wrote the manifests: for pull requests from outside'
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l no-config -d 'Use built-in rules only; look for no .driftctl.yaml and no baseline'
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -l strict-rules -d 'Take what is to be said of rules for errors: rules that hid nothing, are expired, or have no reason'
complete -c driftctl -n "__fish_driftctl_using_subcommand rules" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l object -d 'Accept only drift of this object (* is a wildcard in the name)' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l path -d 'Accept only drift at these paths, with wildcards as in rules; may be given several times' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l reason -d 'Why it is accepted' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l ticket -d 'Where it is discussed' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l expires -d 'Until when: 24h, 7d, 2w, a date (its end in UTC), or a time' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l app -d 'Compare what the Argo CD Applications and ApplicationSets in this file declare' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l destination -d 'Of a repository for several clusters compare what is declared for this one' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l clusters -d 'Expand the clusters generator of ApplicationSets with the clusters in this file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l kustomization -d 'Compare what the Flux Kustomizations in this file declare' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l repo-root -d 'Let the paths in Applications and Kustomizations start in this folder' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l ref -d 'Read the paths as they are in Git at this revision instead of in the work tree' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l base -d 'Compare with this base too, and tell the branch\'s changes from those made live' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l kustomize-bin -d 'Render kustomizations with this program: kustomize, or a kubectl' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l helm-bin -d 'Render charts with this helm, instead of the one on the PATH' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l values -d 'Render charts with the values in this file; of several, the last wins' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l set -d 'Render charts with this value: image.tag=1.4' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l set-string -d 'Render charts with this value, which is a text whatever it looks like: image.tag=007' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l release -d 'Render charts as a release of this name, instead of the chart\'s own' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l load-restrictor -d 'Let kustomizations and charts use files from outside their folder (none), or not (root-only)' -r -f -a "root-only\t'Files must lie in the kustomization\'s folder or below'
none\t'Files may lie anywhere'"
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l render-timeout -d 'End a renderer after so many seconds' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l allow-namespace -d 'Refuse objects outside this namespace; nothing is read of them' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l allow-kind -d 'Refuse objects of other kinds: deploy, Deployment, deployments.apps' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l live -d 'Read live objects from a file, a folder, or standard input (-) instead of a cluster' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l kubeconfig -d 'Read the connection from this kubeconfig file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l context -d 'Use this context of the kubeconfig instead of its current one' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l request-timeout -d 'Give up a request after so many seconds' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l timeout -d 'Stop reading after so many seconds, and report what was read as incomplete' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l concurrency -d 'Keep at most so many requests under way' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -s n -l namespace -d 'Compare within this namespace' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -s l -l selector -d 'Look only at objects with such labels: app=cart,tier!=db,env in (a,b),!legacy' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l kind -d 'Look only at objects of this kind: deploy, Deployment, deployments.apps' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l extra -d 'Also report live objects that no manifest declares' -r -f -a "none\t'Nowhere'
namespace\t'In the namespaces of the declared objects'
managed\t'Only what Argo CD tracks, Flux has in its inventory or Helm marks as its release\'s, for what --app, --kustomization or helm:NAMESPACE/RELEASE names'"
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l field-manager -d 'Name a field manager that applies these manifests' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l audit-log -d 'Read who wrote what from an audit log of the API server' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l config -d 'Read rules from this file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l baseline -d 'Read accepted drift from this file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l argocd-cm -d 'Take over what Argo CD ignores everywhere: its ConfigMap argocd-cm, from a file or (live) from the cluster' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l color -d 'Colour the output: when it goes to a terminal, always, or never' -r -f -a "auto\t'When the output goes to a terminal'
always\t'Always'
never\t'Never'"
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l plain -d 'Read the files of folders as they lie, and do not follow Kustomizations and Applications'
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l target-revision -d 'Read Applications and Kustomizations at the revision that they ask for'
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l blame -d 'Say which commit last touched each line that drifted, by whom and when'
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l no-render -d 'Read kustomizations and charts as plain files instead of rendering them'
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l render -d 'Render kustomizations and charts with --untrusted too, which renders nothing otherwise'
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l no-sandbox -d 'Run renderers without Linux namespaces of their own'
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l allow-remote -d 'Let renderers fetch from other machines, which is refused otherwise'
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l untrusted -d 'Do not trust whoever wrote the manifests: for pull requests from outside'
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -s A -l all-namespaces -d 'Look in all namespaces, whatever --namespace and the context say'
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l server-dry-run -d 'Ask the server what applying would change, so that webhooks and conversions are exact'
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l strict-fields -d 'Report declared fields that their type does not have as drift'
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l allow-empty -d 'Accept that no object is found'
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l no-config -d 'Use built-in rules only; look for no .driftctl.yaml and no baseline'
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -l strict-rules -d 'Take what is to be said of rules for errors: rules that hid nothing, are expired, or have no reason'
complete -c driftctl -n "__fish_driftctl_using_subcommand accept" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c driftctl -n "__fish_driftctl_using_subcommand debt" -l config -d 'Look for the baseline next to this configuration' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand debt" -l baseline -d 'Read this baseline' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand debt" -s o -l output -d 'The format' -r -f -a "text\t'Lines to read'
json\t'One JSON document'"
complete -c driftctl -n "__fish_driftctl_using_subcommand debt" -l color -d 'Colour the output: when it goes to a terminal, always, or never' -r -f -a "auto\t'When the output goes to a terminal'
always\t'Always'
never\t'Never'"
complete -c driftctl -n "__fish_driftctl_using_subcommand debt" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c driftctl -n "__fish_driftctl_using_subcommand ignore" -l reason -d 'Why it is ignored' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand ignore" -l expires -d 'Until when: 24h, 7d, 2w, a date (its end in UTC), or a time' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand ignore" -l id -d 'The rule\'s name in reports' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand ignore" -l owner -d 'Who answers for the rule' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand ignore" -l ticket -d 'Where it is discussed' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand ignore" -l config -d 'Add the rule to this file; otherwise to the .driftctl.yaml here or above, or to a new one' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand ignore" -l color -d 'Colour the output: when it goes to a terminal, always, or never' -r -f -a "auto\t'When the output goes to a terminal'
always\t'Always'
never\t'Never'"
complete -c driftctl -n "__fish_driftctl_using_subcommand ignore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c driftctl -n "__fish_driftctl_using_subcommand init" -l color -d 'Colour the output: when it goes to a terminal, always, or never' -r -f -a "auto\t'When the output goes to a terminal'
always\t'Always'
never\t'Never'"
complete -c driftctl -n "__fish_driftctl_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c driftctl -n "__fish_driftctl_using_subcommand schema" -l color -d 'Colour the output: when it goes to a terminal, always, or never' -r -f -a "auto\t'When the output goes to a terminal'
always\t'Always'
never\t'Never'"
complete -c driftctl -n "__fish_driftctl_using_subcommand schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l app -d 'Compare what the Argo CD Applications and ApplicationSets in this file declare' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l destination -d 'Of a repository for several clusters compare what is declared for this one' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l clusters -d 'Expand the clusters generator of ApplicationSets with the clusters in this file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l kustomization -d 'Compare what the Flux Kustomizations in this file declare' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l repo-root -d 'Let the paths in Applications and Kustomizations start in this folder' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l ref -d 'Read the paths as they are in Git at this revision instead of in the work tree' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l base -d 'Compare with this base too, and tell the branch\'s changes from those made live' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l kustomize-bin -d 'Render kustomizations with this program: kustomize, or a kubectl' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l helm-bin -d 'Render charts with this helm, instead of the one on the PATH' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l values -d 'Render charts with the values in this file; of several, the last wins' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l set -d 'Render charts with this value: image.tag=1.4' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l set-string -d 'Render charts with this value, which is a text whatever it looks like: image.tag=007' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l release -d 'Render charts as a release of this name, instead of the chart\'s own' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l load-restrictor -d 'Let kustomizations and charts use files from outside their folder (none), or not (root-only)' -r -f -a "root-only\t'Files must lie in the kustomization\'s folder or below'
none\t'Files may lie anywhere'"
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l render-timeout -d 'End a renderer after so many seconds' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l allow-namespace -d 'Refuse objects outside this namespace; nothing is read of them' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l allow-kind -d 'Refuse objects of other kinds: deploy, Deployment, deployments.apps' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l kubeconfig -d 'Read the connection from this kubeconfig file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l context -d 'Use this context of the kubeconfig instead of its current one' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l request-timeout -d 'Give up a request after so many seconds' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l timeout -d 'Stop reading after so many seconds, and report what was read as incomplete' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l concurrency -d 'Keep at most so many requests under way' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -s n -l namespace -d 'Compare within this namespace' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -s l -l selector -d 'Look only at objects with such labels: app=cart,tier!=db,env in (a,b),!legacy' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l kind -d 'Look only at objects of this kind: deploy, Deployment, deployments.apps' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l extra -d 'Also look at live objects that no manifest declares' -r -f -a "none\t'Nowhere'
namespace\t'In the namespaces of the declared objects'
managed\t'Only what Argo CD tracks, Flux has in its inventory or Helm marks as its release\'s, for what --app, --kustomization or helm:NAMESPACE/RELEASE names'"
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l for -d 'Bind the printed Roles to this user instead of the one that asks; \'revert\' checks what driftctl revert needs' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l role-name -d 'Name the printed Roles' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -s o -l output -d 'Print a checklist, the same for programs, or nothing but the Roles' -r -f -a "text\t'A checklist to read'
json\t'One JSON object'
yaml\t'The Roles and their bindings, for kubectl apply'"
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l color -d 'Colour the output: when it goes to a terminal, always, or never' -r -f -a "auto\t'When the output goes to a terminal'
always\t'Always'
never\t'Never'"
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l plain -d 'Read the files of folders as they lie, and do not follow Kustomizations and Applications'
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l target-revision -d 'Read Applications and Kustomizations at the revision that they ask for'
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l blame -d 'Say which commit last touched each line that drifted, by whom and when'
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l no-render -d 'Read kustomizations and charts as plain files instead of rendering them'
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l render -d 'Render kustomizations and charts with --untrusted too, which renders nothing otherwise'
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l no-sandbox -d 'Run renderers without Linux namespaces of their own'
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l allow-remote -d 'Let renderers fetch from other machines, which is refused otherwise'
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l untrusted -d 'Do not trust whoever wrote the manifests: for pull requests from outside'
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -s A -l all-namespaces -d 'Look in all namespaces, whatever --namespace and the context say'
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -l server-dry-run -d 'Also check what asking the server for its predictions needs: the verb patch'
complete -c driftctl -n "__fish_driftctl_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l app -d 'Compare what the Argo CD Applications and ApplicationSets in this file declare' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l destination -d 'Of a repository for several clusters compare what is declared for this one' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l clusters -d 'Expand the clusters generator of ApplicationSets with the clusters in this file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l kustomization -d 'Compare what the Flux Kustomizations in this file declare' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l repo-root -d 'Let the paths in Applications and Kustomizations start in this folder' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l ref -d 'Read the paths as they are in Git at this revision instead of in the work tree' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l base -d 'Compare with this base too, and tell the branch\'s changes from those made live' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l kustomize-bin -d 'Render kustomizations with this program: kustomize, or a kubectl' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l helm-bin -d 'Render charts with this helm, instead of the one on the PATH' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l values -d 'Render charts with the values in this file; of several, the last wins' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l set -d 'Render charts with this value: image.tag=1.4' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l set-string -d 'Render charts with this value, which is a text whatever it looks like: image.tag=007' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l release -d 'Render charts as a release of this name, instead of the chart\'s own' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l load-restrictor -d 'Let kustomizations and charts use files from outside their folder (none), or not (root-only)' -r -f -a "root-only\t'Files must lie in the kustomization\'s folder or below'
none\t'Files may lie anywhere'"
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l render-timeout -d 'End a renderer after so many seconds' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l allow-namespace -d 'Refuse objects outside this namespace; nothing is read of them' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l allow-kind -d 'Refuse objects of other kinds: deploy, Deployment, deployments.apps' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l kubeconfig -d 'Read the connection from this kubeconfig file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l context -d 'Use this context of the kubeconfig instead of its current one' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l request-timeout -d 'Give up a request after so many seconds' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l timeout -d 'Stop reading after so many seconds, and report what was read as incomplete' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l concurrency -d 'Keep at most so many requests under way' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -s n -l namespace -d 'Compare within this namespace' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -s l -l selector -d 'Look only at objects with such labels: app=cart,tier!=db,env in (a,b),!legacy' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l kind -d 'Look only at objects of this kind: deploy, Deployment, deployments.apps' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l extra -d 'Also look at live objects that no manifest declares' -r -f -a "none\t'Nowhere'
namespace\t'In the namespaces of the declared objects'
managed\t'Only what Argo CD tracks, Flux has in its inventory or Helm marks as its release\'s, for what --app, --kustomization or helm:NAMESPACE/RELEASE names'"
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l config -d 'Read from this file what else is secret: the paths that it calls sensitive' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -s o -l output -d 'Write to this file, which only its owner may read, instead of to standard output' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l color -d 'Colour the output: when it goes to a terminal, always, or never' -r -f -a "auto\t'When the output goes to a terminal'
always\t'Always'
never\t'Never'"
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l plain -d 'Read the files of folders as they lie, and do not follow Kustomizations and Applications'
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l target-revision -d 'Read Applications and Kustomizations at the revision that they ask for'
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l blame -d 'Say which commit last touched each line that drifted, by whom and when'
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l no-render -d 'Read kustomizations and charts as plain files instead of rendering them'
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l render -d 'Render kustomizations and charts with --untrusted too, which renders nothing otherwise'
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l no-sandbox -d 'Run renderers without Linux namespaces of their own'
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l allow-remote -d 'Let renderers fetch from other machines, which is refused otherwise'
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l untrusted -d 'Do not trust whoever wrote the manifests: for pull requests from outside'
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -s A -l all-namespaces -d 'Look in all namespaces, whatever --namespace and the context say'
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l redact -d 'Mask the values of Secrets, and whatever else looks secret'
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -l no-config -d 'Mask what is secret by the built-in patterns only; look for no .driftctl.yaml'
complete -c driftctl -n "__fish_driftctl_using_subcommand snapshot" -s h -l help -d 'Print help (see more with \'--help\')'
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
complete -c driftctl -n "__fish_driftctl_using_subcommand help; and not __fish_seen_subcommand_from diff explain revert rules accept debt ignore init schema doctor snapshot completions version help" -f -a "diff" -d 'Compare manifests with a cluster and report what drifted'
complete -c driftctl -n "__fish_driftctl_using_subcommand help; and not __fish_seen_subcommand_from diff explain revert rules accept debt ignore init schema doctor snapshot completions version help" -f -a "explain" -d 'Tell why a field of an object is drift, or why it is not'
complete -c driftctl -n "__fish_driftctl_using_subcommand help; and not __fish_seen_subcommand_from diff explain revert rules accept debt ignore init schema doctor snapshot completions version help" -f -a "revert" -d 'Make live objects what their manifests declare, field by field'
complete -c driftctl -n "__fish_driftctl_using_subcommand help; and not __fish_seen_subcommand_from diff explain revert rules accept debt ignore init schema doctor snapshot completions version help" -f -a "rules" -d 'List the rules, and where each is written'
complete -c driftctl -n "__fish_driftctl_using_subcommand help; and not __fish_seen_subcommand_from diff explain revert rules accept debt ignore init schema doctor snapshot completions version help" -f -a "accept" -d 'Record today\'s drift as accepted, until it changes or expires'
complete -c driftctl -n "__fish_driftctl_using_subcommand help; and not __fish_seen_subcommand_from diff explain revert rules accept debt ignore init schema doctor snapshot completions version help" -f -a "debt" -d 'List accepted drift and how long it is accepted for; fails when something is overdue'
complete -c driftctl -n "__fish_driftctl_using_subcommand help; and not __fish_seen_subcommand_from diff explain revert rules accept debt ignore init schema doctor snapshot completions version help" -f -a "ignore" -d 'Add a rule to .driftctl.yaml that ignores drift'
complete -c driftctl -n "__fish_driftctl_using_subcommand help; and not __fish_seen_subcommand_from diff explain revert rules accept debt ignore init schema doctor snapshot completions version help" -f -a "init" -d 'Write a .driftctl.yaml in which everything is explained'
complete -c driftctl -n "__fish_driftctl_using_subcommand help; and not __fish_seen_subcommand_from diff explain revert rules accept debt ignore init schema doctor snapshot completions version help" -f -a "schema" -d 'Print the JSON Schema of what driftctl writes or reads'
complete -c driftctl -n "__fish_driftctl_using_subcommand help; and not __fish_seen_subcommand_from diff explain revert rules accept debt ignore init schema doctor snapshot completions version help" -f -a "doctor" -d 'Check connection, version, kinds and rights, and print the Roles that are missing'
complete -c driftctl -n "__fish_driftctl_using_subcommand help; and not __fish_seen_subcommand_from diff explain revert rules accept debt ignore init schema doctor snapshot completions version help" -f -a "snapshot" -d 'Write down what a diff would read, to look at it again later or elsewhere'
complete -c driftctl -n "__fish_driftctl_using_subcommand help; and not __fish_seen_subcommand_from diff explain revert rules accept debt ignore init schema doctor snapshot completions version help" -f -a "completions" -d 'Write a completion script for a shell'
complete -c driftctl -n "__fish_driftctl_using_subcommand help; and not __fish_seen_subcommand_from diff explain revert rules accept debt ignore init schema doctor snapshot completions version help" -f -a "version" -d 'Print the versions of driftctl and of the Kubernetes schema inside it'
complete -c driftctl -n "__fish_driftctl_using_subcommand help; and not __fish_seen_subcommand_from diff explain revert rules accept debt ignore init schema doctor snapshot completions version help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
