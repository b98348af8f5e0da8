package theme

// Settings is the view of "settings": what is in force, to be read.
type Settings struct {
	Shell
	File    string // the settings file; "": there is none
	Groups  []SettingGroup
	Welcome string // address of the first steps
}

// SettingGroup is a section of the settings file.
type SettingGroup struct {
	Title    string // such as [site.publish]; "" for what stands outside of any
	About    string // in English
	Settings []Setting
}

// Setting is one setting. About is in English.
type Setting struct {
	Key, Value string // the value as it is written in the file; "" where there is none
	Secret     bool   // it is set, and not shown
	From       string // where it is taken from: default, file, environment, flag, derived; a secret may be from: secret
	Where      string // the line of the file, the variable, or the flag; may be empty
	About      string
}
