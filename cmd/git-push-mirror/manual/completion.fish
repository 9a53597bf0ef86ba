# fish completion of git-push-mirror and git push-mirror. Made by "git-push-mirror generate".
#
# It belongs into a folder conf.d, or vendor_conf.d. In one of completions, it is only found for git-push-mirror by a
# fish that, as 3.6.0, does not look for the completions of git's further commands.

# Prints the words before the cursor that are neither the program nor flags, or -C DIR if that is asked for.
function __git_push_mirror_words
    set -l words
    set -l where
    set -l tokens (commandline -opc)
    set -e tokens[1]
    while set -q tokens[1]
        switch $tokens[1]
            case -C
                set -e tokens[1]
                set -q tokens[1]; and set -a where -C (string replace -r '^~/' "$HOME/" -- $tokens[1])
            case '-*'
            case '*'
                set -a words $tokens[1]
        end
        set -e tokens[1]
    end
    if test "$argv" = -C
        set words $where
    end
    if set -q words[1]
        printf '%s\n' $words
    end
end

# Tells whether the words are these and no others.
function __git_push_mirror_is
    set -l words (__git_push_mirror_words)
    test "$words" = "$argv"
end

# Tells whether the words begin with these.
function __git_push_mirror_in
    set -l words (__git_push_mirror_words)
    set -l n (count $argv)
    test (count $words) -ge $n; and test "$words[1..$n]" = "$argv"
end

# Tells whether the words begin with these, all but the first, and so many more as it says.
function __git_push_mirror_beyond
    set -l n $argv[1]
    set -e argv[1]
    set -l words (__git_push_mirror_words)
    __git_push_mirror_in $argv; and test (count $words) -ge (math $n + (count $argv))
end

# Tells whether the last flag is this one.
function __git_push_mirror_after
    set -l flags (string match -- '-*' (commandline -opc))
    set -q flags[1]; and test "$flags[-1]" = $argv
end

function __git_push_mirror_remotes
    git-push-mirror (__git_push_mirror_words -C) remote-names 2>/dev/null
end

function __git_push_mirror_refs
    git (__git_push_mirror_words -C) for-each-ref --format='%(refname:strip=2)' refs/heads refs/tags 2>/dev/null
end

# Completes git … push-mirror as git-push-mirror.
function __git_push_mirror_through_git
    set -l where
    set -l tokens (commandline -opc)
    while set -q tokens[1]; and test "$tokens[1]" != push-mirror
        if test "$tokens[1]" = -C; and set -q tokens[2]
            set -a where -C $tokens[2]
            set -e tokens[1]
        end
        set -e tokens[1]
    end
    set -e tokens[1]
    complete -C "git-push-mirror "(string join ' ' -- (string escape -- $where $tokens) (commandline -ct))
end

complete -c git -f -n __fish_git_needs_command -a push-mirror -d <<quoted .Means>>
complete -c git -f -n '__fish_git_using_command push-mirror' -a '(__git_push_mirror_through_git)'
complete -c git-push-mirror -f
complete -c git-push-mirror -s h -d 'show this help'
<<- range .Options>>
complete -c git-push-mirror -n __git_push_mirror_is <<template "option" .>>
<<- end>>
<<- range .Verbs>>
complete -c git-push-mirror -n __git_push_mirror_is -a <<lastWord .Name>> -d <<quoted .Means>>
<<- end>>
<<- range .Verbs>><<template "verb" .>><<end>>
<<- define "option">>-<<if eq (len .Name) 2>>s<<else>>l<<end>> <<trimDashes .Name>>
<<- if eq .Value "REF">> -x -a '(__git_push_mirror_refs)'
<<- else if eq .Value "DIR">> -x -a '(__fish_complete_directories)'
<<- else if .Value>> -x<<end>> -d <<quoted .Means>>
<<- end>>
<<- define "verb">>
<<- $name := .Name>>
<<- range .Verbs>>
complete -c git-push-mirror -n '__git_push_mirror_is <<$name>>' -a <<lastWord .Name>> -d <<quoted .Means>>
<<- end>>
<<- range .Verbs>><<template "verb" .>><<end>>
<<- range .Options>>
complete -c git-push-mirror -n '__git_push_mirror_in <<$name>>' <<template "option" .>>
<<- end>>
<<- if takesKeys .>>
complete -c git-push-mirror -n '__git_push_mirror_beyond <<beforeKeys .>> <<$name>>' -a '<<keys>>' -d key
<<- if eq (takes .) "REMOTE">>
complete -c git-push-mirror -n '__git_push_mirror_is <<$name>>' -a '(__git_push_mirror_remotes)' -d remote
<<- end>>
<<- else if refFlag .>>
complete -c git-push-mirror -n '__git_push_mirror_in <<$name>>; and not __git_push_mirror_after <<refFlag .>>' -a '(__git_push_mirror_remotes)' -d remote
complete -c git-push-mirror -n '__git_push_mirror_in <<$name>>; and __git_push_mirror_after <<refFlag .>>' -a '(__git_push_mirror_refs)' -d REF
<<- else if eq (takes .) "REMOTE">>
complete -c git-push-mirror -n '__git_push_mirror_in <<$name>>' -a '(__git_push_mirror_remotes)' -d remote
<<- else if eq (takes .) "DIR">>
complete -c git-push-mirror -n '__git_push_mirror_in <<$name>>' -a '(__fish_complete_directories)'
<<- end>>
<<- end>>
