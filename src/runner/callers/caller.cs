using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading.Tasks;

// Calls the script's method Handle, of whatever class. Both compilers have to take it, so it has a JSON of its own.
static class PatchworksCaller {
  sealed class Reader {
    readonly string text;
    int at;

    public Reader(string text) { this.text = text; }

    void Blanks() { while (at < text.Length && char.IsWhiteSpace(text[at])) at++; }

    bool Takes(char wanted) {
      Blanks();
      if (at >= text.Length || text[at] != wanted) return false;
      at++;
      return true;
    }

    public object Value() {
      Blanks();
      switch (text[at]) {
        case '{': return Members();
        case '[': return Items();
        case '"': return Text();
        case 't': at += 4; return true;
        case 'f': at += 5; return false;
        case 'n': at += 4; return null;
        default: return Number();
      }
    }

    Dictionary<string, object> Members() {
      var members = new Dictionary<string, object>();
      at++;
      if (Takes('}')) return members;
      do {
        Blanks();
        string name = Text();
        Takes(':');
        members[name] = Value();
      } while (Takes(','));
      Takes('}');
      return members;
    }

    List<object> Items() {
      var items = new List<object>();
      at++;
      if (Takes(']')) return items;
      do items.Add(Value()); while (Takes(','));
      Takes(']');
      return items;
    }

    object Number() {
      int start = at;
      while (at < text.Length && "+-.eE0123456789".IndexOf(text[at]) >= 0) at++;
      string digits = text.Substring(start, at - start);
      if (long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long integer)) return integer;
      return double.Parse(digits, CultureInfo.InvariantCulture);
    }

    string Text() {
      var read = new StringBuilder();
      for (at++; text[at] != '"'; at++) {
        if (text[at] != '\\') {
          read.Append(text[at]);
          continue;
        }
        at++;
        int plain = "nrtbf".IndexOf(text[at]);
        if (text[at] == 'u') {
          read.Append((char)Convert.ToInt32(text.Substring(at + 1, 4), 16));
          at += 4;
        } else {
          read.Append(plain >= 0 ? "\n\r\t\b\f"[plain] : text[at]);
        }
      }
      at++;
      return read.ToString();
    }
  }

  static void WriteText(StringBuilder to, string text) {
    to.Append('"');
    foreach (char letter in text) {
      if (letter == '"' || letter == '\\') to.Append('\\').Append(letter);
      else if (letter < ' ') to.AppendFormat("\\u{0:x4}", (int)letter);
      else to.Append(letter);
    }
    to.Append('"');
  }

  static void WriteList(StringBuilder to, char open, char close, IEnumerable<Action> items) {
    to.Append(open);
    bool first = true;
    foreach (Action item in items) {
      if (!first) to.Append(',');
      first = false;
      item();
    }
    to.Append(close);
  }

  static void WriteMembers(StringBuilder to, IEnumerable<KeyValuePair<string, object>> members) {
    WriteList(to, '{', '}', members.Select(member => (Action)(() => {
      WriteText(to, member.Key);
      to.Append(':');
      Write(to, member.Value);
    })));
  }

  // What an object shows: an anonymous one has properties alone.
  static IEnumerable<KeyValuePair<string, object>> MembersOf(object value) {
    var shown = BindingFlags.Public | BindingFlags.Instance;
    foreach (var property in value.GetType().GetProperties(shown)) {
      if (property.GetIndexParameters().Length > 0) continue;
      yield return new KeyValuePair<string, object>(property.Name, property.GetValue(value, null));
    }
    foreach (var field in value.GetType().GetFields(shown)) {
      yield return new KeyValuePair<string, object>(field.Name, field.GetValue(value));
    }
  }

  static void Write(StringBuilder to, object value) {
    var map = value as IDictionary;
    if (value == null) to.Append("null");
    else if (value is string || value is char || value is Enum || value is Guid) WriteText(to, value.ToString());
    else if (value is bool) to.Append((bool)value ? "true" : "false");
    else if (value is double || value is float) to.Append(((IFormattable)value).ToString("R", CultureInfo.InvariantCulture));
    else if (value is DateTime || value is DateTimeOffset) WriteText(to, ((IFormattable)value).ToString("o", CultureInfo.InvariantCulture));
    else if (value.GetType().IsPrimitive || value is decimal) to.Append(Convert.ToString(value, CultureInfo.InvariantCulture));
    else if (value is IEnumerable<KeyValuePair<string, object>>) WriteMembers(to, (IEnumerable<KeyValuePair<string, object>>)value);
    else if (map != null) WriteMembers(to, map.Keys.Cast<object>().Select(key => new KeyValuePair<string, object>(key.ToString(), map[key])));
    else if (value is IEnumerable) WriteList(to, '[', ']', ((IEnumerable)value).Cast<object>().Select(item => (Action)(() => Write(to, item))));
    else WriteMembers(to, MembersOf(value));
  }

  static string Written(object value) {
    var text = new StringBuilder();
    Write(text, value);
    return text.ToString();
  }

  static MethodInfo Find() {
    var all = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
    return Assembly.GetExecutingAssembly().GetTypes()
      .Where(type => type != typeof(PatchworksCaller) && type.DeclaringType != typeof(PatchworksCaller))
      .SelectMany(type => type.GetMethods(all))
      .FirstOrDefault(method => method.Name.ToLowerInvariant() == "handle" && method.GetParameters().Length == 1);
  }

  static object Call(string text) {
    MethodInfo method = Find();
    if (method == null) throw new MissingMethodException("the script has no method Handle(data)");
    object self = method.IsStatic ? null : Activator.CreateInstance(method.DeclaringType, true);
    bool plain = method.GetParameters()[0].ParameterType == typeof(string);
    object answer = method.Invoke(self, new[] { plain ? text : new Reader(text).Value() });
    var task = answer as Task;
    if (task == null) return answer;
    task.GetAwaiter().GetResult();
    return task.GetType().GetProperty("Result").GetValue(task, null);
  }

  static void Finish(IEnumerable<string> parts) {
    File.WriteAllText("result", string.Join("\0", parts), new UTF8Encoding(false));
  }

  static IEnumerable<string> LogsOf(string answer) {
    object list = null;
    if (answer.StartsWith("{")) ((Dictionary<string, object>)new Reader(answer).Value()).TryGetValue("logs", out list);
    return (list as List<object> ?? new List<object>()).Where(entry => entry != null)
      .Select(entry => entry as string ?? Written(entry));
  }

  static void Main() {
    try {
      string text = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false)).ReadToEnd();
      object returned = Call(text);
      // One who takes text gives text.
      string answer = returned as string ?? Written(returned);
      Finish(new[] { "answer", answer }.Concat(LogsOf(answer)));
    } catch (Exception caught) {
      Exception problem = caught is TargetInvocationException ? caught.InnerException : caught;
      Console.Error.WriteLine(problem);
      Match place = Regex.Match(problem.ToString(), @"script\.cs:(?:line )?(\d+)");
      Finish(new[] { "raised", place.Success ? place.Groups[1].Value : "0", problem.GetType().Name + ": " + problem.Message });
    }
  }
}
